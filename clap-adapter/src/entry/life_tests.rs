//! A whole life through clack-host, in this process, with the block on a thread of its own.

#![allow(unsafe_code, reason = "DESIGN 9.9: clack-host takes an entry on trust")]

use clack_host::events::event_types::NoteOnEvent;
use clack_host::events::io::EventBuffer;
use clack_host::prelude::*;
use hotshell_abi::{Event, EventKind};
use hotshell_core::shell::{HostChannel, Outcome};

use super::bench::fresh_entry;
use hotshell_fake_shell::Script;

struct Host;
struct Quiet;

impl SharedHandler<'_> for Quiet {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostHandlers for Host {
    type Shared<'a> = Quiet;
    type MainThread<'a> = ();
    type AudioProcessor<'a> = ();
}

#[test]
fn an_instance_lives_in_clack_host_from_scan_to_destroy() {
    let script = Script::new();
    script.on_block(|block, input, output| {
        assert_eq!(input.event(0).map(|event| event.kind), Some(EventKind::NOTE_ON));
        output.send(&Event::param_value(1, 10, 0.5), &[]);
        for channel in block.outputs()[0].channels {
            if let HostChannel::F32(samples) = channel {
                // SAFETY: the host's buffers hold the block's four frames.
                unsafe { samples.write_bytes(0x3f, 4) };
            }
        }
        Outcome::default()
    });
    let raw = Box::leak(Box::new(fresh_entry(&script, false)));
    // SAFETY: the entry is ours and lives for ever.
    let entry = unsafe { PluginEntry::load_from_raw(raw, c"/in/process.clap") }.expect("the entry loads");
    assert_eq!(super::bench::state().users(), 1);
    let ids = entry.get_plugin_factory().expect("there is one").plugin_descriptors().count();
    assert_eq!(ids, 2);
    let info = HostInfo::new("clack-host", "tests", "", "0.2").expect("no NUL bytes");
    let id = c"org.hotshell.fake";
    let mut instance =
        PluginInstance::<Host>::new(|_| Quiet, |_| (), &entry, id, &info).expect("it initialises");
    let config = PluginAudioConfiguration { sample_rate: 48_000.0, min_frames_count: 4, max_frames_count: 4 };
    let stopped = instance.activate(|_, _| (), config).expect("it activates");
    let (stopped, heard, sent) =
        std::thread::scope(|scope| scope.spawn(|| one_block(stopped)).join()).expect("no panic");
    assert!(heard.iter().flatten().all(|sample| sample.to_bits() == 0x3f3f_3f3f));
    assert_eq!(sent, 1);
    instance.deactivate(stopped);
    drop(instance);
    let calls = script.take_calls();
    assert_eq!(calls.first().map(String::as_str), Some("open 0 clap for \"clack-host 0.2\""));
    assert_eq!(calls[calls.len() - 3..], ["deactivate", "take Deactivated", "disconnect"]);
}

type Block = (StoppedPluginAudioProcessor<Host>, [[f32; 4]; 2], u32);

fn one_block(stopped: StoppedPluginAudioProcessor<Host>) -> Block {
    let mut processor = stopped.start_processing().expect("it starts");
    let (mut silence, mut heard) = ([[0.0_f32; 4]; 2], [[0.0_f32; 4]; 2]);
    let (mut ins, mut outs) = (AudioPorts::with_capacity(2, 1), AudioPorts::with_capacity(2, 1));
    let note = [NoteOnEvent::new(0, Pckn::new(0_u16, 0_u16, 60_u16, 1_u32), 0.8)];
    let mut sent = EventBuffer::new();
    let input = ins.with_input_buffers([AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_input_only(silence.iter_mut().map(InputChannel::constant)),
    }]);
    let mut output = outs.with_output_buffers([AudioPortBuffer {
        latency: 0,
        channels: AudioPortBufferType::f32_output_only(
            heard.iter_mut().map(|channel| channel.as_mut_slice()),
        ),
    }]);
    let events = InputEvents::from_buffer(&note);
    let status = processor.process(
        &input,
        &mut output,
        &events,
        &mut OutputEvents::from_buffer(&mut sent),
        None,
        None,
    );
    assert_eq!(status.expect("it processes"), ProcessStatus::Continue);
    (processor.stop_processing(), heard, sent.len())
}
