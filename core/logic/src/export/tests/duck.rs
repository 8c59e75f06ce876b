//! A side-chain: reads its auxiliary input while it writes the main output.

use std::ffi::c_void;
use std::ptr::null;
use std::sync::Arc;

use super::{BusBuffer, Fake, Live, ProcessArgs, empty_block};
use crate::*;
use hotshell_abi::EventOutput;

struct Duck;

impl PluginLogic for Duck {
    type Params = ();
    const INFO: PluginInfo = PluginInfo::new("org.example.duck", "Duck");

    fn create(_params: Arc<()>, _cx: &CreateContext<'_>) -> Self {
        Self
    }

    fn process(
        &mut self,
        buffer: &mut AudioBuffer<'_, f32>,
        _events: &EventList<'_>,
        _cx: &mut ProcessContext<'_>,
    ) -> ProcessStatus {
        let side = buffer.aux_in(0);
        let mut main = buffer.in_place();
        for (i, channel) in main.iter_mut().enumerate() {
            let Some(side) = side.and_then(|side| side.get(i)) else { continue };
            channel.iter_mut().zip(side).for_each(|(sample, side)| *sample -= side);
        }
        ProcessStatus::Active
    }
}

#[test]
fn a_side_chain_is_read_while_the_main_bus_is_written() {
    let store = Fake::new(&[]);
    let live = Live::new(super::api::<Duck, f32>(), &store);
    let (mut main, mut side) = ([1.0_f32, 2.0, 3.0], [0.5_f32, 0.5, 1.0]);
    let main_channel: [*mut c_void; 1] = [main.as_mut_ptr().cast()];
    let side_channel: [*mut c_void; 1] = [side.as_mut_ptr().cast()];
    let bus = |channels: &[*mut c_void; 1], flags| BusBuffer {
        channels: channels.as_ptr(),
        channel_count: 1,
        flags,
        constant_mask: 0,
    };
    let (mut events, mut bytes) = ([], []);
    let mut queue = EventOutput::new(&mut events, &mut bytes);
    for flags in [0, BusBuffer::INACTIVE] {
        let inputs = [bus(&main_channel, 0), bus(&side_channel, flags)];
        let mut outputs = [bus(&main_channel, 0)];
        let mut args = ProcessArgs {
            frames: 3,
            inputs: inputs.as_ptr(),
            input_count: 2,
            outputs: outputs.as_mut_ptr(),
            output_count: 1,
            transport: null(),
            ..empty_block(&mut queue)
        };
        // SAFETY: the block is filled as its type says, in single precision; the handle is live.
        unsafe { assert!((live.table.process)(live.logic, &mut args).is_ok()) };
    }
    assert_eq!(main, [0.5, 1.5, 2.0], "once: the second time it was switched off");
}
