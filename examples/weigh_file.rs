//! Weigh a file of weights: what the formula says, what the device took, and why they differ.
//!
//! Run it with `cargo run --release --example weigh_file -- model.safetensors int4:g64`; without arguments it weighs a layer.

use std::path::PathBuf;

use weighbridge::footprint::{Device, WeighOptions, weigh};
use weighbridge::format::Format;
use weighbridge::gpu::GpuOptions;
use weighbridge::io::Model;

fn main() -> weighbridge::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let layer = concat!(env!("CARGO_MANIFEST_DIR"), "/data/minilm-layer0.safetensors");
    let path = PathBuf::from(arguments.next().unwrap_or_else(|| layer.into()));
    let format: Format = arguments.next().as_deref().unwrap_or("int4").parse()?;

    let model = Model::open(&path)?;
    let device = Device::Gpu(GpuOptions::default());
    let report = weigh(&model, &[format], &device, &WeighOptions::default(), &mut |progress| {
        eprint!("\r{:3.0} % {:60}", 100.0 * progress.done as f64 / progress.total.max(1) as f64, progress.tensor);
    })?;
    eprintln!();
    for precision in &report.precisions {
        println!("{} on {}, {}", precision.format, report.adapter, precision.mode);
        println!("{:>14} bytes by the formula", precision.estimated_bytes);
        for line in precision.lines.iter().filter(|line| line.bytes != 0) {
            println!("{:>+14} {}", line.bytes, line.name);
        }
        println!("{:>14} bytes measured", precision.measured_bytes());
    }
    Ok(())
}
