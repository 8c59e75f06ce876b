//! Layouts as VST3's speaker arrangements, and the negotiation of one.
//!
//! Called by: `component`, `process`, `instance`. Calls: nothing. Threads: [main] by VST3's rules; pure.

use hotshell_abi::BusDesc;
use hotshell_core::shell::{BusInfo, LayoutInfo};
use vst3::Steinberg::Vst::{SpeakerArr, SpeakerArrangement};

/// Ambisonic arrangements by number of channels (ACN).
const AMBISONIC: [(u32, SpeakerArrangement); 7] = [
    (4, SpeakerArr::kAmbi1stOrderACN),
    (9, SpeakerArr::kAmbi2cdOrderACN),
    (16, SpeakerArr::kAmbi3rdOrderACN),
    (25, SpeakerArr::kAmbi4thOrderACN),
    (36, SpeakerArr::kAmbi5thOrderACN),
    (49, SpeakerArr::kAmbi6thOrderACN),
    (64, SpeakerArr::kAmbi7thOrderACN),
];

/// WAVE's speaker bits that VST3 has at the same places: front left to top back right.
const SAME_BITS: u32 = (1 << 18) - 1;

/// The arrangement of a bus; always of as many speakers as the bus has channels.
pub(crate) fn arrangement(bus: &BusInfo) -> SpeakerArrangement {
    match (bus.kind, bus.channels) {
        (BusDesc::SURROUND, channels)
            if bus.speakers & !SAME_BITS == 0 && bus.speakers.count_ones() == channels =>
        {
            SpeakerArrangement::from(five_one(bus.speakers))
        }
        (BusDesc::AMBISONIC, channels) => {
            AMBISONIC.iter().find(|(count, _)| *count == channels).map_or_else(|| plain(channels), |a| a.1)
        }
        (_, channels) => plain(channels),
    }
}

/// WAVE's 5.0 and 5.1 with side speakers are what VST3 calls 5.0 and 5.1.
const fn five_one(speakers: u32) -> u32 {
    const BACK: u32 = 0x30;
    const SIDE: u32 = 0x600;
    if speakers & SIDE == SIDE && speakers & BACK == 0 && speakers & !(SIDE | 0xf) == 0 {
        speakers & !SIDE | BACK
    } else {
        speakers
    }
}

fn plain(channels: u32) -> SpeakerArrangement {
    match channels {
        0 => SpeakerArr::kEmpty,
        1 => SpeakerArr::kMono,
        64.. => SpeakerArrangement::MAX,
        _ => (1 << channels) - 1,
    }
}

/// The layout with exactly these arrangements. All or nothing: hosts that get half of what they asked for do not look.
pub(crate) fn find(
    layouts: &[LayoutInfo],
    current: usize,
    inputs: &[SpeakerArrangement],
    outputs: &[SpeakerArrangement],
) -> Option<usize> {
    let fits = |layout: &LayoutInfo| same(&layout.inputs, inputs) && same(&layout.outputs, outputs);
    // The current one first: layouts may differ in names only.
    let current = layouts.get(current).filter(|layout| fits(layout)).map(|_| current);
    current.or_else(|| layouts.iter().position(fits))
}

fn same(buses: &[BusInfo], wanted: &[SpeakerArrangement]) -> bool {
    buses.len() == wanted.len() && buses.iter().zip(wanted).all(|(bus, wanted)| arrangement(bus) == *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus(kind: u32, channels: u32, speakers: u32) -> BusInfo {
        BusInfo { name: String::new(), channels, main: true, kind, speakers }
    }

    #[test]
    fn an_arrangement_has_as_many_speakers_as_the_bus_has_channels() {
        for channels in 1..=64 {
            for kind in
                [BusDesc::UNTYPED, BusDesc::MONO, BusDesc::STEREO, BusDesc::SURROUND, BusDesc::AMBISONIC]
            {
                let speakers = if channels <= 18 { (1 << channels) - 1 } else { 0 };
                let got = arrangement(&bus(kind, channels, speakers));
                assert_eq!(got.count_ones(), channels, "kind {kind}");
            }
        }
    }

    #[test]
    fn mono_to_7_1_4_have_the_names_that_hosts_know() {
        for (mask, known) in [
            (0x3f, SpeakerArr::k51),
            (0x60f, SpeakerArr::k51),
            (0x607, SpeakerArr::k50),
            (0x63f, SpeakerArr::k71Music),
            (0x63f | 0x2d000, SpeakerArr::k71_4),
        ] {
            let mask: u32 = mask;
            assert_eq!(arrangement(&bus(BusDesc::SURROUND, mask.count_ones(), mask)), known, "{mask:x}");
        }
        assert_eq!(arrangement(&bus(BusDesc::MONO, 1, 0)), SpeakerArr::kMono);
        assert_eq!(arrangement(&bus(BusDesc::STEREO, 2, 0)), SpeakerArr::kStereo);
        assert_eq!(arrangement(&bus(BusDesc::AMBISONIC, 16, 0)), SpeakerArr::kAmbi3rdOrderACN);
    }

    #[test]
    fn negotiation_is_all_or_nothing() {
        let layout = |channels| LayoutInfo {
            name: String::new(),
            inputs: vec![bus(0, channels, 0), bus(0, 2, 0)],
            outputs: vec![bus(0, channels, 0)],
        };
        let layouts = [layout(2), layout(1), layout(1)];
        let (mono, stereo) = (SpeakerArr::kMono, SpeakerArr::kStereo);
        assert_eq!(find(&layouts, 0, &[mono, stereo], &[mono]), Some(1));
        assert_eq!(find(&layouts, 2, &[mono, stereo], &[mono]), Some(2), "what is chosen stays");
        assert_eq!(find(&layouts, 0, &[mono, stereo], &[stereo]), None);
        assert_eq!(find(&layouts, 0, &[mono], &[mono]), None);
        assert_eq!(find(&layouts, 9, &[], &[]), None);
    }
}
