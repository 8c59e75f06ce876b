//! Writes `cargo-hotshell/assets/loop.wav` again: `cargo run -p cargo-hotshell --example make_loop`.

use std::path::Path;

#[path = "../assets/loop.rs"]
mod formula;

fn main() -> Result<(), hound::Error> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/loop.wav");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: formula::RATE,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut writer = hound::WavWriter::create(file, spec)?;
    for sample in formula::samples() {
        writer.write_sample(sample)?;
    }
    writer.finalize()
}
