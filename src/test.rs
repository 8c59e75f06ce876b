//! Tests of a plug-in without a host: the [`Rig`] plays it through the very shell that hosts drive, swaps it for itself,
//! and watches over allocations.
//!
//! ```
//! # use hotshell::prelude::*;
//! # #[derive(Params)]
//! # struct GainParams {
//! #     #[param(id = "gain", range = linear(-60.0..=12.0), unit = db)]
//! #     gain: FloatParam,
//! # }
//! # struct Gain(Arc<GainParams>);
//! # impl PluginLogic for Gain {
//! #     type Params = GainParams;
//! #     const INFO: PluginInfo = PluginInfo::new("org.example.gain", "Gain");
//! #     fn create(params: Arc<GainParams>, _: &CreateContext<'_>) -> Self {
//! #         Self(params)
//! #     }
//! #     fn process(
//! #         &mut self,
//! #         buffer: &mut AudioBuffer<'_, f32>,
//! #         _: &EventList<'_>,
//! #         _: &mut ProcessContext<'_>,
//! #     ) -> ProcessStatus {
//! #         let gain = 10.0_f32.powf(self.0.gain.value() as f32 / 20.0);
//! #         buffer.in_place().iter_mut().flatten().for_each(|sample| *sample *= gain);
//! #         ProcessStatus::Active
//! #     }
//! # }
//! # hotshell::test::guard!();
//! let mut rig = hotshell::test::Rig::<Gain>::new(48_000.0, 64);
//! rig.set(|p| &p.gain, -6.0).at(100);
//! let input = rig.sine(440.0, 512);
//! let out = rig.process(&input);
//! assert_eq!(out.channel(0)[..96], input[..96]);
//! assert!(out.channel(0)[112..].iter().zip(&input[112..]).all(|(out, x)| (out - x * 0.501_187).abs() < 1e-6));
//!
//! let saved = rig.save();
//! rig.set(|p| &p.gain, 0.0);
//! rig.process(&input);
//! rig.load(&saved).unwrap();
//! rig.swap();
//! rig.assert_realtime(|r| r.run_seconds(0.1));
//! assert_eq!(rig.value(|p| &p.gain), -6.0);
//! ```
//!
//! Called by: authors' tests. Calls: `hotshell_core::offline`. Threads: the test's own, [main] and [audio] in turn.

mod drive;
mod editor;
mod output;
mod rig;
mod spy;
#[cfg(test)]
mod tests;

pub use hotshell_core::rt::alloc::Guard;
pub use hotshell_core::shell::ShellError;

pub use self::output::Output;
pub use self::rig::{Queued, Rig};

/// Makes the test executable count allocations, for `assert_realtime`. `plugin!` says it in a plug-in's own unit tests;
/// integration tests say it once themselves.
#[macro_export]
#[doc(hidden)]
macro_rules! __guard {
    () => {
        #[global_allocator]
        static GUARD: $crate::test::Guard = $crate::test::Guard;
    };
}

pub use crate::__guard as guard;
