//! Weighs a model: every matrix is quantized on the device and stays there, and the device is asked what that took.

use super::class::Class;
use super::plan::{Rule, plan};
use super::report::Report;
use super::{on_cpu, on_gpu};
use crate::error::Result;
use crate::format::{Format, NonFinite};
use crate::gpu::{Gpu, GpuOptions, MemoryHint};
use crate::io::{Entry, Model};

/// Who does the work.
#[derive(Clone, Debug)]
pub enum Device {
    /// A GPU, opened afresh for each precision, so that each is weighed alone.
    Gpu(GpuOptions),
    /// The CPU twins.
    Cpu,
}

/// What happens to tensors whose rows do not fill the format's groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WeighTail {
    /// [`crate::Error::Shape`].
    Error,
    /// They stay as they are, and the report says so.
    #[default]
    Keep,
    /// Their rows are filled up with zeros.
    Pad,
}

/// How a model is weighed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WeighOptions {
    /// Classes that keep their type.
    pub keep: Vec<Class>,
    /// Formats for tensors by name; the first that fits decides, over the precision and over `keep`.
    pub rules: Vec<Rule>,
    /// What is done with NaN and infinities.
    pub non_finite: NonFinite,
    /// What is done with rows that do not fill groups.
    pub tail: WeighTail,
}

/// How far the work is.
#[derive(Clone, Debug)]
pub struct Progress<'a> {
    /// The precision at work.
    pub format: &'a Format,
    /// The tensor at work.
    pub tensor: &'a str,
    /// Bytes of the file done, of all precisions.
    pub done: u64,
    /// Bytes to do.
    pub total: u64,
}

/// Weighs `model` at each of `formats`.
///
/// # Errors
/// Where no device is found, a tensor is rejected by policy, or a tensor alone does not fit.
pub fn weigh(
    model: &Model,
    formats: &[Format],
    device: &Device,
    options: &WeighOptions,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Report> {
    let file_bytes: u64 = model.tensors.iter().map(Entry::bytes).sum();
    let total = file_bytes * formats.len() as u64;
    let mut report = Report {
        schema: 1,
        adapter: "cpu".into(),
        driver: None,
        software: true,
        memory_hints: None,
        parameters: model.parameters(),
        precisions: vec![],
    };
    for (i, format) in formats.iter().enumerate() {
        let start = file_bytes * i as u64;
        let mut tell = |tensor: &str, done: u64| progress(Progress { format, tensor, done: start + done, total });
        let plans = plan(model, format, options)?;
        let precision = match device {
            Device::Cpu => on_cpu::weigh(model, format, &plans, &mut tell)?,
            Device::Gpu(gpu_options) => {
                let mut gpu_options = gpu_options.clone();
                gpu_options.memory = MemoryHint::MemoryUsage;
                let gpu = Gpu::open(&gpu_options)?;
                report.adapter.clone_from(&gpu.info().name);
                report.driver = Some(gpu.info().driver.clone());
                report.software = gpu.info().is_software();
                report.memory_hints = gpu.memory_hint().map(MemoryHint::name);
                let resident = if on_gpu::fits(&gpu, model, &plans) {
                    match on_gpu::weigh(&gpu, model, format, &plans, true, &mut tell) {
                        Err(error) if error.is_out_of_memory() => {
                            log::warn!("{format}: {error}; weighing tensor by tensor");
                            None
                        }
                        other => Some(other?),
                    }
                } else {
                    None
                };
                match resident {
                    Some(precision) => precision,
                    None => on_gpu::weigh(&Gpu::open(&gpu_options)?, model, format, &plans, false, &mut tell)?,
                }
            }
        };
        report.precisions.push(precision);
    }
    Ok(report)
}
