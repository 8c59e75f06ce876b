//! Class ids and sub-categories from an author's description.
//!
//! Called by: `factory`, `com/extras`. Calls: nothing. Threads: [any].

use hotshell_abi::PluginDesc;
use vst3::Steinberg::TUID;

/// Class id of a plug-in: the author's own, else from the plug-in's id, so that it is the same in every build.
pub(crate) fn class_id(desc: &PluginDesc<'_>) -> TUID {
    if desc.vst3_class_id == [0; 16] { derived(desc.id.as_str()) } else { tuid(desc.vst3_class_id) }
}

/// Class id of the object that names the classes which an artifact replaces.
pub(crate) fn compatibility_id(desc: &PluginDesc<'_>) -> TUID {
    derived(&format!("{}#compatibility", desc.id.as_str()))
}

/// True if `class` is the plug-in itself or one that it replaces.
pub(crate) fn replaces(desc: &PluginDesc<'_>, class: &TUID) -> bool {
    class_id(desc) == *class || desc.vst3_old_class_ids.as_slice().iter().any(|old| tuid(*old) == *class)
}

/// FNV-1a, 128 bit.
fn derived(id: &str) -> TUID {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    let hash = id.bytes().fold(START, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME));
    tuid(hash.to_be_bytes())
}

/// 16 bytes in the order in which the id is written as text; in memory the order is the system's.
fn tuid(bytes: [u8; 16]) -> TUID {
    let word = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    vst3::uid(word(0), word(4), word(8), word(12))
}

/// 32 hexadecimal digits, as hosts write a class id.
pub(crate) fn text_of(bytes: [u8; 16]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

/// The 16 bytes of a class id in the order of its text.
pub(crate) fn bytes_of(desc: &PluginDesc<'_>) -> [u8; 16] {
    let id = class_id(desc);
    let zero = tuid([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    let mut bytes = [0; 16];
    for (place, byte) in zero.iter().zip(id) {
        bytes[place.cast_unsigned() as usize] = byte.cast_unsigned();
    }
    bytes
}

/// CLAP's feature words and VST3's. Cubase lists a plug-in without a second word under "Other".
const WORDS: [(&str, &str); 31] = [
    ("instrument", "Instrument"),
    ("audio-effect", "Fx"),
    ("note-effect", "Fx"),
    ("analyzer", "Analyzer"),
    ("synthesizer", "Synth"),
    ("sampler", "Sampler"),
    ("drum", "Drum"),
    ("drum-machine", "Drum"),
    ("filter", "Filter"),
    ("equalizer", "EQ"),
    ("compressor", "Dynamics"),
    ("limiter", "Dynamics"),
    ("expander", "Dynamics"),
    ("gate", "Dynamics"),
    ("transient-shaper", "Dynamics"),
    ("de-esser", "Dynamics"),
    ("distortion", "Distortion"),
    ("reverb", "Reverb"),
    ("delay", "Delay"),
    ("phaser", "Modulation"),
    ("chorus", "Modulation"),
    ("flanger", "Modulation"),
    ("tremolo", "Modulation"),
    ("pitch-shifter", "Pitch Shift"),
    ("pitch-correction", "Pitch Shift"),
    ("restoration", "Restoration"),
    ("mastering", "Mastering"),
    ("utility", "Tools"),
    ("mono", "Mono"),
    ("stereo", "Stereo"),
    ("surround", "Surround"),
];

/// Sub-categories joined by `|`, the main one first.
pub(crate) fn categories(desc: &PluginDesc<'_>) -> String {
    if !desc.vst3_categories.as_str().is_empty() {
        return desc.vst3_categories.as_str().to_owned();
    }
    let mut words: Vec<&str> = Vec::new();
    for (feature, word) in WORDS {
        let wanted = desc.features.as_slice().iter().any(|has| has.as_str() == feature);
        if wanted && !words.contains(&word) {
            words.push(word);
        }
    }
    if words.is_empty() {
        words.push("Fx");
    }
    words.join("|")
}
