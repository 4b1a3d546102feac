//! The tour: a real layer at three precisions, on one screen.

use std::process::ExitCode;

use super::weigh::exit;
use super::weigh_text::{device_line, precisions};
use super::{Common, device, print, print_json, with_progress};
use crate::error::Result;
use crate::footprint::{WeighOptions, weigh};
use crate::format::Format;
use crate::gpu::GpuOptions;
use crate::io::Model;
use crate::units::grouped;

/// encoder.layer.0 of all-MiniLM-L6-v2, F32 (Apache-2.0).
static LAYER: &[u8] = include_bytes!("../../data/minilm-layer0.safetensors");

pub(super) fn run(common: &Common) -> Result<ExitCode> {
    let model = Model::embedded("MiniLM layer 0", LAYER)?;
    let formats = ["bf16", "int8", "int4"].map(str::parse).into_iter().collect::<Result<Vec<Format>>>()?;
    let device = device(common, GpuOptions::default())?;
    let report = with_progress(common, |progress| weigh(&model, &formats, &device, &WeighOptions::default(), progress))?;
    if common.json {
        print_json(&report)?;
        return Ok(exit(&report));
    }
    print(&format!(
        "{}\nmodel:  layer 0 of all-MiniLM-L6-v2, embedded: {} parameters in F32\n\n{}\n{}",
        device_line(&report),
        grouped(report.parameters.into()),
        precisions(&report),
        NEXT
    ));
    Ok(exit(&report))
}

const NEXT: &str = "\
formula: parameters x 2, 1 or 0.5 bytes. Measured: what the device's allocator gave; the lines between them add up exactly.
relative RMSE: sqrt(sum of squared errors / sum of squares) over the quantized matrices, measured on the device.

Next:  weighbridge weigh MODEL.safetensors --as bf16,int8,int4,q8_0   your own weights
       weighbridge devices                                           what this machine has
       weighbridge --help
";
