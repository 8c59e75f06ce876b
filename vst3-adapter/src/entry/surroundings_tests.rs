//! What comes of what a host says of its track and of the way to the loudspeaker.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_void};
use std::sync::atomic::Ordering;

use hotshell_abi::Track;
use vst3::Steinberg::Vst::ChannelContext::{
    IInfoListener, IInfoListenerTrait, kChannelColorKey, kChannelNameKey,
};
use vst3::Steinberg::Vst::{
    BusDirections_, IAttributeList, IAttributeListTrait, IAudioPresentationLatency,
    IAudioPresentationLatencyTrait, TChar,
};
use vst3::Steinberg::{
    FIDString, IPluginBaseTrait, int64, kResultFalse, kResultOk, kResultTrue, tresult, uint32,
};
use vst3::{Class, ComWrapper};

use super::bench::{Bench, raw};

/// A host's list of attributes.
#[derive(Default)]
struct List {
    numbers: BTreeMap<&'static CStr, i64>,
    texts: BTreeMap<&'static CStr, Vec<u16>>,
    /// Takes the number of bytes for one of units, as some hosts do.
    overruns: bool,
}

impl List {
    fn named(mut self, name: &str) -> Self {
        self.texts.insert(key(kChannelNameKey), name.encode_utf16().chain([0]).collect());
        self
    }

    fn coloured(mut self, colour: i64) -> Self {
        self.numbers.insert(key(kChannelColorKey), colour);
        self
    }
}

fn key(id: FIDString) -> &'static CStr {
    // SAFETY: the bindings' keys and the adapter's are constants that end with 0.
    unsafe { CStr::from_ptr(id) }
}

impl Class for List {
    type Interfaces = (IAttributeList,);
}

impl IAttributeListTrait for List {
    unsafe fn setInt(&self, _id: FIDString, _value: int64) -> tresult {
        panic!("the adapter writes nothing")
    }
    unsafe fn getInt(&self, id: FIDString, value: *mut int64) -> tresult {
        let Some(found) = self.numbers.get(key(id)) else { return kResultFalse };
        // SAFETY: the adapter gives the place.
        unsafe { value.write(*found) };
        kResultOk
    }
    unsafe fn setFloat(&self, _id: FIDString, _value: f64) -> tresult {
        panic!("the adapter writes nothing")
    }
    unsafe fn getFloat(&self, _id: FIDString, _value: *mut f64) -> tresult {
        kResultFalse
    }
    unsafe fn setString(&self, _id: FIDString, _string: *const TChar) -> tresult {
        panic!("the adapter writes nothing")
    }
    unsafe fn getString(&self, id: FIDString, string: *mut TChar, bytes: uint32) -> tresult {
        let Some(found) = self.texts.get(key(id)) else { return kResultFalse };
        let room =
            usize::try_from(bytes).expect("small") / if self.overruns { 1 } else { size_of::<TChar>() };
        let count = found.len().min(room);
        // SAFETY: the adapter gives room for so many bytes, and says that it has twice as much.
        unsafe { string.copy_from_nonoverlapping(found.as_ptr(), count) };
        kResultOk
    }
    unsafe fn setBinary(&self, _id: FIDString, _data: *const c_void, _size: uint32) -> tresult {
        panic!("the adapter writes nothing")
    }
    unsafe fn getBinary(&self, _id: FIDString, _data: *mut *const c_void, _size: *mut uint32) -> tresult {
        kResultFalse
    }
}

/// The host says this; what the shell has heard.
fn tell(bench: &Bench, list: List) -> Option<Track> {
    let infos = bench.component.cast::<IInfoListener>().expect("offered");
    let list = ComWrapper::new(list);
    // SAFETY: ours.
    assert_eq!(unsafe { infos.setChannelContextInfos(raw(&list)) }, kResultTrue);
    bench.script.track.lock().clone()
}

#[test]
fn any_part_of_what_the_host_says_of_the_track_reaches_the_shell_and_the_rest_stays() {
    let bench = Bench::ready();
    assert_eq!(tell(&bench, List::default()), None, "nothing is said");
    assert_eq!(tell(&bench, List::default().named("Bäss")), Some(Track::default().named("Bäss")));
    let red = Track::default().named("Bäss").coloured(0xffb0_2020);
    assert_eq!(tell(&bench, List::default().coloured(0xffb0_2020)), Some(red.clone()));
    assert_eq!(tell(&bench, List::default()), Some(red.clone()));
    let renamed = tell(&bench, List::default().named("Drums")).expect("said");
    assert_eq!(renamed, red.named("Drums"));
    let nameless = tell(&bench, List::default().named("").coloured(0)).expect("said");
    assert_eq!(nameless, Track::default(), "no name and no colour any more");
}

#[test]
fn a_host_may_say_it_before_the_plug_in_is_there_and_need_not_say_it_again() {
    let bench = Bench::raw();
    assert_eq!(tell(&bench, List::default().named("Bass")), None, "there is no shell yet");
    for _ in 0..2 {
        *bench.script.track.lock() = None;
        // SAFETY: ours.
        unsafe {
            assert_eq!(bench.component.initialize(bench.context()), kResultOk);
            assert_eq!(*bench.script.track.lock(), Some(Track::default().named("Bass")));
            assert_eq!(bench.component.terminate(), kResultOk);
        }
    }
}

#[test]
fn a_colour_is_32_bits_however_the_host_keeps_them() {
    let bench = Bench::ready();
    let colour = |value| tell(&bench, List::default().coloured(value)).and_then(|track| track.colour());
    assert_eq!(colour(i64::from(0xff12_3456_u32.cast_signed())), Some(0xff12_3456), "a negative number");
    assert_eq!(colour(0x0012_3456), Some(0x0012_3456));
    for none in [i64::MIN, i64::MAX, 1 << 32, i64::from(i32::MIN) - 1] {
        assert_eq!(colour(none), Some(0x0012_3456), "{none} is no colour: the last one stays");
    }
}

#[test]
fn a_name_of_any_length_stays_within_the_room_that_it_is_given() {
    let bench = Bench::ready();
    for overruns in [false, true] {
        for length in [1, 255, 256, 257, 511, 5_000] {
            let name = List { overruns, ..List::default() }.named(&"x".repeat(length));
            let track = tell(&bench, name).expect("said");
            assert_eq!(track.name(), "x".repeat(length.min(256)), "{length} units, overruns: {overruns}");
        }
    }
    let halves = List { texts: [(key(kChannelNameKey), vec![0x61, 0xd800])].into(), ..List::default() };
    assert_eq!(tell(&bench, halves).expect("said").name(), "a\u{fffd}", "half a character, and no end");
}

/// So many frames, says the host; its answer.
#[allow(clippy::unnecessary_cast, clippy::cast_possible_wrap, reason = "the enum is signed on Windows")]
fn tell_latency(bench: &Bench, direction: vst3::Steinberg::Vst::BusDirections, frames: u32) -> tresult {
    let latency = bench.component.cast::<IAudioPresentationLatency>().expect("offered");
    // SAFETY: ours.
    unsafe { latency.setAudioPresentationLatencySamples(direction as i32, 0, frames) }
}

#[test]
fn the_way_to_the_loudspeaker_is_said_once_and_known_after_the_plug_in_has_begun_again() {
    let bench = Bench::raw();
    let output = BusDirections_::kOutput;
    assert_ne!(tell_latency(&bench, output, 512), kResultOk, "there is no bus yet");
    let known = || bench.script.presentation_latency.swap(0, Ordering::Relaxed);
    // SAFETY: ours.
    unsafe {
        assert_eq!(bench.component.initialize(bench.context()), kResultOk);
        assert_eq!((tell_latency(&bench, output, 512), known()), (kResultOk, 512));
        for _ in 0..2 {
            assert_eq!(bench.component.terminate(), kResultOk);
            assert_eq!(known(), 0);
            assert_eq!(bench.component.initialize(bench.context()), kResultOk);
            assert_eq!(known(), 512);
        }
    }
}

#[test]
fn the_way_from_the_main_output_to_the_loudspeaker_reaches_the_shell() {
    let bench = Bench::ready();
    let (input, output) = (BusDirections_::kInput, BusDirections_::kOutput);
    let tell = |direction, frames| {
        assert_eq!(tell_latency(&bench, direction, frames), kResultOk);
        bench.script.presentation_latency.load(Ordering::Relaxed)
    };
    assert_eq!(tell(output, 512), 512);
    assert_eq!(tell(input, 64), 512, "an input's way is another one");
    assert_eq!(tell(output, 0), 0);
    assert_eq!(tell(output, u32::MAX), u32::MAX, "whatever it means");
}
