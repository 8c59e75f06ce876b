//! `IPluginBase` and `IComponent`: life, buses, activation, saved state.
//!
//! Called by: the host. Calls: `instance`, `buses`, `com/stream`. Threads: [main] by VST3's rules; safe from any.

#![allow(unsafe_code, reason = "DESIGN 9.9: a COM interface takes C's pointers")]

use hotshell_core::shell::LayoutInfo;
use vst3::Steinberg::Vst::BusDirections_::{kInput, kOutput};
use vst3::Steinberg::Vst::BusInfo_::BusFlags_::kDefaultActive;
use vst3::Steinberg::Vst::BusTypes_::{kAux, kMain};
use vst3::Steinberg::Vst::MediaTypes_::{kAudio, kEvent};
use vst3::Steinberg::Vst::{
    BusDirection, BusInfo, IComponentTrait, IoMode, MediaType, RoutingInfo, String128,
};
use vst3::Steinberg::{
    FUnknown, IBStream, IPluginBaseTrait, TBool, TUID, int32, kInvalidArgument, kNotImplemented,
    kNotInitialized, kResultFalse, kResultOk, tresult,
};

use super::stream::{context, read_all, write_all};
use super::{Component, put, wide};
use crate::error::{gate, guard, refused};
use crate::instance::{Instance, Live};
use crate::state::without_preset_header;

/// The enums of the bindings are unsigned on some systems and signed on others; what they number is signed.
const fn number(value: vst3::Steinberg::Vst::MediaTypes) -> i32 {
    #[allow(
        clippy::cast_possible_wrap,
        clippy::unnecessary_cast,
        reason = "the enums' numbers are small and not negative"
    )]
    {
        value as i32
    }
}

pub(super) const AUDIO: i32 = number(kAudio);
const EVENT: i32 = number(kEvent);
const INPUT: i32 = number(kInput);
pub(super) const OUTPUT: i32 = number(kOutput);

fn answer<E>(result: Result<(), E>, refused: impl FnOnce(&E) -> tresult) -> tresult {
    result.map_or_else(|error| refused(&error), |()| kResultOk)
}

impl Instance {
    /// Runs `call` between `initialize` and `terminate`.
    pub(crate) fn with(&self, call: impl FnOnce(&std::sync::Arc<Live>) -> tresult) -> tresult {
        gate(|| self.live().map_or(kNotInitialized, |live| call(&live)))
    }

    /// The same for calls that answer something else.
    pub(crate) fn ask<T: Copy>(&self, fallback: T, call: impl FnOnce(&std::sync::Arc<Live>) -> T) -> T {
        guard(fallback, || self.live().map_or(fallback, |live| call(&live)))
    }
}

/// Number of buses of a kind.
pub(crate) fn bus_count(live: &Live, media: MediaType, direction: BusDirection) -> usize {
    let audio = |layout: LayoutInfo| match direction {
        INPUT => layout.inputs.len(),
        OUTPUT => layout.outputs.len(),
        _ => 0,
    };
    match (media, direction) {
        (AUDIO, _) => live.layout().map_or(0, audio),
        (EVENT, INPUT) => live.shell.notes().inputs as usize,
        (EVENT, OUTPUT) => live.shell.notes().outputs as usize,
        _ => 0,
    }
}

fn place(index: int32) -> Option<usize> {
    usize::try_from(index).ok()
}

fn bus_info(live: &Live, media: MediaType, direction: BusDirection, index: usize) -> Option<BusInfo> {
    if index >= bus_count(live, media, direction) {
        return None;
    }
    let (name, channels, main) = if media == AUDIO {
        let layout = live.layout()?;
        let buses = if direction == INPUT { layout.inputs } else { layout.outputs };
        let bus = buses.into_iter().nth(index)?;
        (bus.name, i32::try_from(bus.channels).ok()?, bus.main)
    } else {
        (String::new(), 16, index == 0)
    };
    let kind = if media == AUDIO { "Audio" } else { "Notes" };
    let way = if direction == INPUT { "in" } else { "out" };
    let text: String128 =
        if name.is_empty() { wide(&format!("{kind} {way} {}", index + 1)) } else { wide(&name) };
    let active = if main { kDefaultActive } else { 0 };
    Some(BusInfo {
        mediaType: media,
        direction,
        channelCount: channels,
        name: text,
        busType: number(if main { kMain } else { kAux }),
        #[allow(
            clippy::unnecessary_cast,
            clippy::cast_sign_loss,
            reason = "a flag's number, signed on Windows"
        )]
        flags: active as u32,
    })
}

impl IPluginBaseTrait for Component {
    unsafe fn initialize(&self, context: *mut FUnknown) -> tresult {
        gate(|| {
            // SAFETY: VST3: the context is null or the host's object, valid for the call.
            unsafe { self.0.context.set(context) };
            let done = self.0.initialize(self.0.host_name());
            match done {
                Ok(()) => self.0.start_clock(),
                Err(_) => self.0.context.clear(),
            }
            answer(done, refused)
        })
    }

    unsafe fn terminate(&self) -> tresult {
        gate(|| {
            self.0.terminate();
            kResultOk
        })
    }
}

impl IComponentTrait for Component {
    /// One object is both.
    unsafe fn getControllerClassId(&self, _class: *mut TUID) -> tresult {
        kNotImplemented
    }

    unsafe fn setIoMode(&self, _mode: IoMode) -> tresult {
        kNotImplemented
    }

    unsafe fn getBusCount(&self, media: MediaType, direction: BusDirection) -> int32 {
        self.0.ask(0, |live| i32::try_from(bus_count(live, media, direction)).unwrap_or(i32::MAX))
    }

    unsafe fn getBusInfo(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        bus: *mut BusInfo,
    ) -> tresult {
        self.0.with(|live| {
            let found = place(index).and_then(|index| bus_info(live, media, direction, index));
            // SAFETY: VST3: `bus` is null (which `put` checks) or a place for one.
            let written = found.is_some_and(|found| unsafe { put(bus, found) });
            if written { kResultOk } else { kInvalidArgument }
        })
    }

    unsafe fn getRoutingInfo(&self, _input: *mut RoutingInfo, _output: *mut RoutingInfo) -> tresult {
        kNotImplemented
    }

    unsafe fn activateBus(
        &self,
        media: MediaType,
        direction: BusDirection,
        index: int32,
        state: TBool,
    ) -> tresult {
        self.0.with(|live| match place(index) {
            Some(index) if index < bus_count(live, media, direction) => {
                let done = media != AUDIO || live.set_bus(direction == INPUT, index, state != 0);
                if done { kResultOk } else { kResultFalse }
            }
            _ => kInvalidArgument,
        })
    }

    unsafe fn setActive(&self, state: TBool) -> tresult {
        gate(|| answer(self.0.set_active(state != 0), refused))
    }

    unsafe fn setState(&self, state: *mut IBStream) -> tresult {
        // SAFETY: VST3: `state` is null (checked) or a stream that is valid for the call.
        unsafe { self.load(state, false) }
    }

    unsafe fn getState(&self, state: *mut IBStream) -> tresult {
        self.0.with(|live| {
            if state.is_null() {
                return kInvalidArgument;
            }
            // SAFETY: as above.
            let context = unsafe { context(state) };
            match live.shell.save(context) {
                // SAFETY: as above. Half a state is never called saved.
                Ok(bytes) if unsafe { write_all(state, &bytes) } => kResultOk,
                Ok(_) => kResultFalse,
                Err(error) => refused(&error),
            }
        })
    }
}

impl Component {
    /// All or nothing; the host hears of moved values before it returns. `again`: as the controller's copy of what the
    /// component was given, so that a state which is in place already stays untouched.
    ///
    /// # Safety
    /// `state` is null or a stream that is valid for the call.
    pub(crate) unsafe fn load(&self, state: *mut IBStream, again: bool) -> tresult {
        let result = self.0.with(|live| {
            // SAFETY: by this function's contract.
            let (context, bytes) = unsafe { (context(state), read_all(state)) };
            let Some(bytes) = bytes else { return kInvalidArgument };
            let bytes = without_preset_header(&bytes);
            if again && live.shell.save(context).is_ok_and(|present| present == bytes) {
                return kResultOk;
            }
            answer(live.shell.load(context, bytes), refused)
        });
        if result == kResultOk {
            // Safe by FORMATS 3: the end of `setState` and `setComponentState`.
            gate(|| {
                self.0.tell();
                kResultOk
            });
        }
        result
    }
}
