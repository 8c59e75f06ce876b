//! One process call: buffers, transport, configuration, and the safe view of channels.
//!
//! Called by: the shell fills [`ProcessArgs`], the logic reads it through [`BlockView`]. Calls: nothing.
//! Threads: [audio], except [`AudioConfig`] ([main] [reload]).

use core::ffi::c_void;

use crate::{Event, EventOutput, Reason, Slice};

mod channels;

use channels::raw_slice;
pub use channels::{BlockView, Channels, ChannelsMut};

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}

/// The two sample types, `f32` and `f64`.
pub trait Sample:
    sealed::Sealed
    + Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + core::fmt::Debug
    + core::ops::Add<Output = Self>
    + core::ops::Sub<Output = Self>
    + core::ops::Mul<Output = Self>
    + core::ops::AddAssign
    + core::ops::MulAssign
    + core::ops::Neg<Output = Self>
    + 'static
{
    /// Name in reports and in the canary: `"f32"`, `"f64"`.
    const NAME: &'static str;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// From `f64`, rounded.
    fn from_f64(value: f64) -> Self;
    /// From `f32`.
    fn from_f32(value: f32) -> Self;
    /// To `f64`.
    fn to_f64(self) -> f64;
    /// To `f32`, rounded.
    fn to_f32(self) -> f32;
    /// Absolute value.
    #[must_use]
    fn magnitude(self) -> Self;
    /// Neither infinite nor NaN.
    fn finite(self) -> bool;
    /// No value is infinite or NaN. Reads them all, several at a time: each block asks.
    #[must_use]
    fn all_finite(samples: &[Self]) -> bool;
    /// Zero for a subnormal number, else the number. Copying does not flush, whatever the control register says, and
    /// compilers drop a multiplication by one.
    #[must_use]
    fn flushed(self) -> Self;
}

impl Sample for f32 {
    const NAME: &'static str = "f32";
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the point")]
    fn from_f64(value: f64) -> Self {
        value as Self
    }
    #[inline]
    fn from_f32(value: f32) -> Self {
        value
    }
    #[inline]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
    #[inline]
    fn to_f32(self) -> f32 {
        self
    }
    #[inline]
    fn magnitude(self) -> Self {
        self.abs()
    }
    #[inline]
    fn finite(self) -> bool {
        self.is_finite()
    }
    #[inline]
    fn all_finite(samples: &[Self]) -> bool {
        // An exponent of all ones, and no other, is carried into the sign by one more.
        let carried =
            samples.iter().fold(0, |all, sample| all | ((sample.to_bits() & 0x7fff_ffff) + 0x0080_0000));
        carried >> 31 == 0
    }
    #[inline]
    fn flushed(self) -> Self {
        if self.abs() < Self::MIN_POSITIVE { 0.0 } else { self }
    }
}

impl Sample for f64 {
    const NAME: &'static str = "f64";
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }
    #[inline]
    fn from_f32(value: f32) -> Self {
        Self::from(value)
    }
    #[inline]
    fn to_f64(self) -> f64 {
        self
    }
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "rounding to single precision is the point")]
    fn to_f32(self) -> f32 {
        self as f32
    }
    #[inline]
    fn magnitude(self) -> Self {
        self.abs()
    }
    #[inline]
    fn finite(self) -> bool {
        self.is_finite()
    }
    #[inline]
    fn all_finite(samples: &[Self]) -> bool {
        // An exponent of all ones, and no other, is carried into the sign by one more.
        let carried = samples.iter().fold(0, |all, sample| {
            all | ((sample.to_bits() & 0x7fff_ffff_ffff_ffff) + 0x0010_0000_0000_0000)
        });
        carried >> 63 == 0
    }
    #[inline]
    fn flushed(self) -> Self {
        if self.abs() < Self::MIN_POSITIVE { 0.0 } else { self }
    }
}

/// Real time or offline.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct RenderMode(pub u32);

impl RenderMode {
    /// Blocks have a deadline.
    pub const REALTIME: Self = Self(0);
    /// Faster or slower than real time; waiting is allowed where a context says so.
    pub const OFFLINE: Self = Self(1);
}

/// What an instance is sized for. Constant between two `reset` calls.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AudioConfig {
    /// Hz, > 0, not always a whole number.
    pub sample_rate: f64,
    /// Most frames of one process call, >= 1.
    pub max_frames: u32,
    /// Index into the build's own `layouts`.
    pub layout: u32,
    /// At the time of `reset`; the mode of a block is in its arguments.
    pub mode: RenderMode,
    /// 0.
    pub reserved: u32,
}

/// The host's timeline at the first frame of what carries it. A field counts only if its bit is set in `flags`.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Transport {
    /// Frames from the block's start at which it begins to hold (0 for the block's own).
    pub time: u32,
    /// [`Transport::HAS_TEMPO`] and friends.
    pub flags: u32,
    /// Beats per minute.
    pub tempo: f64,
    /// Change of tempo per frame.
    pub tempo_increment: f64,
    /// Position in quarter notes.
    pub beats: f64,
    /// Position in seconds.
    pub seconds: f64,
    /// Loop start in quarter notes.
    pub loop_start_beats: f64,
    /// Loop end in quarter notes.
    pub loop_end_beats: f64,
    /// Loop start in seconds.
    pub loop_start_seconds: f64,
    /// Loop end in seconds.
    pub loop_end_seconds: f64,
    /// Start of the current bar in quarter notes.
    pub bar_start_beats: f64,
    /// Number of the current bar, the first is 0.
    pub bar_number: i32,
    /// Time signature, upper.
    pub time_signature_numerator: u16,
    /// Time signature, lower.
    pub time_signature_denominator: u16,
}

impl Transport {
    /// `tempo`, `tempo_increment`.
    pub const HAS_TEMPO: u32 = 1;
    /// `beats`, and with a loop the loop's beats; `bar_start_beats`, `bar_number`.
    pub const HAS_BEATS: u32 = 2;
    /// `seconds`, and with a loop the loop's seconds.
    pub const HAS_SECONDS: u32 = 4;
    /// Time signature.
    pub const HAS_TIME_SIGNATURE: u32 = 8;
    /// Playing.
    pub const PLAYING: u32 = 16;
    /// Recording.
    pub const RECORDING: u32 = 32;
    /// The loop is on.
    pub const LOOPING: u32 = 64;
    /// Counting in.
    pub const PRE_ROLL: u32 = 128;

    /// All zero: nothing known.
    pub const UNKNOWN: Self = Self {
        time: 0,
        flags: 0,
        tempo: 0.0,
        tempo_increment: 0.0,
        beats: 0.0,
        seconds: 0.0,
        loop_start_beats: 0.0,
        loop_end_beats: 0.0,
        loop_start_seconds: 0.0,
        loop_end_seconds: 0.0,
        bar_start_beats: 0.0,
        bar_number: 0,
        time_signature_numerator: 0,
        time_signature_denominator: 0,
    };

    /// The same timeline `frames` later.
    #[must_use]
    pub fn advanced(&self, frames: u32, sample_rate: f64) -> Self {
        let mut later = *self;
        if frames == 0 || self.flags & Self::PLAYING == 0 || sample_rate <= 0.0 {
            return later;
        }
        let n = f64::from(frames);
        let seconds = n / sample_rate;
        if self.flags & Self::HAS_SECONDS != 0 {
            later.seconds += seconds;
        }
        if self.flags & Self::HAS_TEMPO != 0 {
            if self.flags & Self::HAS_BEATS != 0 {
                later.beats += (self.tempo + 0.5 * self.tempo_increment * n) * seconds / 60.0;
            }
            later.tempo += self.tempo_increment * n;
        }
        later
    }
}

/// One bus of a process call: an array of channel pointers to `frames` samples each.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BusBuffer {
    /// `channel_count` pointers to samples of the logic's own type. Never null, each channel never null.
    pub channels: *const *mut c_void,
    /// As the current layout says.
    pub channel_count: u32,
    /// [`BusBuffer::INACTIVE`].
    pub flags: u32,
    /// Bit i: channel i holds one constant value. In: the host says so. Out: the logic says so.
    pub constant_mask: u64,
}

impl BusBuffer {
    /// The host has switched the bus off: inputs are silent, outputs go nowhere.
    pub const INACTIVE: u32 = 1;
}

/// All of one process call. Filled by the shell, results written by the logic's thunk.
///
/// The shell has made sure that, for [`BlockView`]:
/// - input channel i of bus 0 is the same memory as output channel i of bus 0, or overlaps no output at all;
/// - every other input overlaps no output, and no two outputs overlap;
/// - `scratch` holds as many channels as input bus 0, of `frames` samples, overlapping nothing.
#[repr(C)]
#[derive(Debug)]
pub struct ProcessArgs<'a> {
    /// Frames of this sub-block, 1..=`max_frames`.
    pub frames: u32,
    /// Frames from the host block's start to this sub-block's.
    pub offset: u32,
    /// Input buses.
    pub inputs: *const BusBuffer,
    /// Their number.
    pub input_count: u32,
    /// Number of output buses.
    pub output_count: u32,
    /// Output buses.
    pub outputs: *mut BusBuffer,
    /// `channel_count` of input bus 0 pointers for [`BlockView::separate`].
    pub scratch: *const *mut c_void,
    /// Events in order of time, relative to this sub-block.
    pub events: Slice<'a, Event>,
    /// Where output events go; times relative to the *host block* (the thunk adds `offset`).
    pub output: *mut EventOutput<'a>,
    /// At the host block's start or later (`Transport::time`, host block time); null where the host gives none.
    pub transport: *const Transport,
    /// Frames since some start, never jumping; of the host block's start; -1 where the host has none.
    pub steady_time: i64,
    /// Real time or offline.
    pub mode: RenderMode,
    /// [`Reason::NONE`], or why this is the instance's first block.
    pub first_block: Reason,
    /// 1: values of a state load are seen for the first time; the thunk calls `state_changed` before `process`.
    pub state_changed: u32,
    /// Result: 1 if the output matters, 0 if it is silence without a tail.
    pub active: u32,
    /// Result: frames of latency after this block.
    pub latency: u32,
    /// 1: what the logic says (events, parameters that it moves) is meant for nobody: it fades out, or is being tried.
    pub muted: u32,
    /// Result: frames of tail; `u64::MAX` infinite.
    pub tail: u64,
}

impl<'a> ProcessArgs<'a> {
    /// The buffers as safe views.
    ///
    /// # Safety
    /// The shell filled `self` as the type's documentation says, with samples of type `S`, for a call that lasts at
    /// least `'v`, and no other view of it is alive.
    #[must_use]
    pub unsafe fn view<'v, S: Sample>(&'v mut self) -> BlockView<'v, S>
    where
        'a: 'v,
    {
        // SAFETY: by contract the bus arrays hold `input_count` and `output_count` entries for the call.
        let (inputs, outputs) = unsafe {
            (
                raw_slice(self.inputs, self.input_count),
                if self.output_count == 0 || self.outputs.is_null() {
                    &mut []
                } else {
                    core::slice::from_raw_parts_mut(self.outputs, self.output_count as usize)
                },
            )
        };
        BlockView::new(self.frames as usize, inputs, outputs, self.scratch)
    }
}

#[cfg(test)]
mod tests {
    use super::Sample;

    fn told_apart<S: Sample + std::fmt::Debug>(finite: &[S], others: &[S]) {
        assert!(S::all_finite(&[]) && S::all_finite(finite));
        for other in others {
            for place in 0..finite.len() {
                let mut samples = finite.to_vec();
                samples[place] = *other;
                assert!(!S::all_finite(&samples), "{other:?} at {place}");
            }
        }
    }

    #[test]
    fn values_that_are_not_finite_are_found_at_every_place_and_no_others() {
        let (most, least) = (f32::MAX, f32::MIN_POSITIVE);
        let finite = [0.0, -0.0, 1.0, -1.0, most, -most, least, -least, least / 4.0, -least / 4.0, 0.5];
        told_apart(
            &finite,
            &[f32::INFINITY, f32::NEG_INFINITY, f32::NAN, -f32::NAN, f32::from_bits(0x7f80_0001)],
        );
        let (most, least) = (f64::MAX, f64::MIN_POSITIVE);
        let finite = [0.0, -0.0, 1.0, -1.0, most, -most, least, -least, least / 4.0, -least / 4.0, 0.5];
        told_apart(&finite, &[f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN]);
    }
}
