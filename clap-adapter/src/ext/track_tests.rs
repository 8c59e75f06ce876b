//! What comes of what a host says of its track.

#![allow(unsafe_code, reason = "DESIGN 9.9: the host's side of C, for tests of the raw extensions")]

use std::ffi::{CStr, c_char};

use clap_sys::color::clap_color;
use clap_sys::ext::track_info::{
    CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT, CLAP_TRACK_INFO_HAS_AUDIO_CHANNEL,
    CLAP_TRACK_INFO_HAS_TRACK_COLOR, CLAP_TRACK_INFO_HAS_TRACK_NAME, CLAP_TRACK_INFO_IS_FOR_BUS,
    CLAP_TRACK_INFO_IS_FOR_MASTER, CLAP_TRACK_INFO_IS_FOR_RETURN_TRACK, clap_plugin_track_info,
    clap_track_info,
};
use hotshell_abi::Track;

use super::tests::blank;
use crate::entry::bench::Bench;

fn info(flags: u64, name: &[u8]) -> clap_track_info {
    let mut info = clap_track_info {
        flags,
        color: clap_color { alpha: 0xff, red: 0x12, green: 0x34, blue: 0x56 },
        audio_channel_count: 6,
        ..blank()
    };
    for (to, from) in info.name.iter_mut().zip(name) {
        *to = c_char::from_ne_bytes([*from]);
    }
    info
}

/// The host says this, and that it has changed.
fn tell(bench: &Bench, id: &CStr, info: Option<clap_track_info>) -> Option<Track> {
    *bench.data.track.lock() = info;
    let track = bench.ext::<clap_plugin_track_info>(id).expect("offered");
    // SAFETY: the plug-in is alive.
    unsafe { track.changed.expect("set")(bench.plugin) };
    bench.script.track.lock().clone()
}

const NAME: u64 = CLAP_TRACK_INFO_HAS_TRACK_NAME;
const COLOUR: u64 = CLAP_TRACK_INFO_HAS_TRACK_COLOR;
const CHANNELS: u64 = CLAP_TRACK_INFO_HAS_AUDIO_CHANNEL;

#[test]
fn what_the_host_says_of_the_track_reaches_the_shell_under_both_ids_of_the_extension() {
    for (theirs, ours) in
        [(CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT), (CLAP_EXT_TRACK_INFO_COMPAT, CLAP_EXT_TRACK_INFO)]
    {
        let bench = Bench::with(true, |data, _| data.lacks.lock().push(ours));
        let bass = Track::default().named("Bäss").coloured(0xff12_3456).with_channels(6);
        let said = info(NAME | COLOUR | CHANNELS, "Bäss".as_bytes());
        assert_eq!(tell(&bench, theirs, Some(said)), Some(bass), "{theirs:?}");
        assert_eq!(
            tell(&bench, ours, None),
            None,
            "the plug-in itself has both, and the host may fall silent"
        );
    }
}

#[test]
fn only_what_the_flags_say_counts() {
    let bench = Bench::hot();
    let tell = |flags| {
        tell(&bench, CLAP_EXT_TRACK_INFO, Some(info(flags, b"name"))).expect("the host says something")
    };
    assert_eq!(tell(0), Track::default());
    assert_eq!(tell(NAME), Track::default().named("name"));
    assert_eq!(tell(COLOUR), Track::default().coloured(0xff12_3456));
    assert_eq!(tell(CHANNELS), Track::default().with_channels(6));
    assert_eq!(tell(CLAP_TRACK_INFO_IS_FOR_RETURN_TRACK), Track::default().with_flags(Track::RETURN));
    assert_eq!(tell(CLAP_TRACK_INFO_IS_FOR_BUS), Track::default().with_flags(Track::BUS));
    assert_eq!(tell(CLAP_TRACK_INFO_IS_FOR_MASTER), Track::default().with_flags(Track::MASTER));
    assert_eq!(tell(1 << 40), Track::default(), "a flag that nobody knows");
}

#[test]
fn a_name_without_an_end_or_of_no_text_and_a_count_below_zero_do_no_harm() {
    let bench = Bench::hot();
    let endless = tell(&bench, CLAP_EXT_TRACK_INFO, Some(info(NAME, &[b'x'; 256])));
    assert_eq!(endless.expect("said").name(), "x".repeat(256));
    let junk = tell(&bench, CLAP_EXT_TRACK_INFO, Some(info(NAME, b"a\xff\xc3")));
    assert_eq!(junk.expect("said").name(), "a\u{fffd}\u{fffd}");
    let below = clap_track_info { audio_channel_count: -2, ..info(CHANNELS, b"") };
    assert_eq!(tell(&bench, CLAP_EXT_TRACK_INFO, Some(below)).expect("said").channels(), None);
}

#[test]
fn a_host_that_knows_of_no_tracks_is_not_asked() {
    let bench = Bench::with(true, |data, _| {
        data.lacks.lock().extend([CLAP_EXT_TRACK_INFO, CLAP_EXT_TRACK_INFO_COMPAT])
    });
    assert_eq!(tell(&bench, CLAP_EXT_TRACK_INFO, Some(info(NAME, b"name"))), None);
}
