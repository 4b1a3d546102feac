//! Weighs a model: every matrix is quantized on the device and stays there, and the device is asked what that took.

use super::class::Class;
use super::lines::{self, Surroundings, Weighed};
use super::report::{Precision, Report, TensorReport};
use crate::error::{Error, Result};
use crate::format::{self, Errors, Format, NonFinite};
use crate::gpu::{AllocatorReading, Gpu, GpuOptions, MemoryHint};
use crate::io::{Entry, Model};
use crate::quantize::{QuantizeOptions, Tail, quantize_into, stored_row_len};
use crate::tensor::{Tensor, rows_of};

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
    /// [`Error::Shape`].
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

/// What is done with a tensor.
enum Plan {
    Quantize(QuantizeOptions),
    Keep(&'static str),
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
        options.non_finite.check(format)?;
        let start = file_bytes * i as u64;
        let mut tell = |tensor: &str, done: u64| progress(Progress { format, tensor, done: start + done, total });
        let precision = match device {
            Device::Cpu => on_cpu(model, format, options, &mut tell)?,
            Device::Gpu(gpu_options) => {
                let mut gpu_options = gpu_options.clone();
                gpu_options.memory = MemoryHint::MemoryUsage;
                let gpu = Gpu::open(&gpu_options)?;
                report.adapter.clone_from(&gpu.info().name);
                report.driver = Some(gpu.info().driver.clone());
                report.software = gpu.info().is_software();
                report.memory_hints = gpu.memory_hint().map(MemoryHint::name);
                let resident = if fits(&gpu, model, format, options) {
                    match on_gpu(&gpu, model, format, options, true, &mut tell) {
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
                    None => on_gpu(&Gpu::open(&gpu_options)?, model, format, options, false, &mut tell)?,
                }
            }
        };
        report.precisions.push(precision);
    }
    Ok(report)
}

fn plan(entry: &Entry, class: Class, format: &Format, options: &WeighOptions) -> Result<Plan> {
    let mut quantize = QuantizeOptions::default();
    quantize.non_finite = options.non_finite;
    let keep = if !entry.is_float {
        Some("not floating point")
    } else if entry.element.is_none() {
        Some("of a type that is not quantized")
    } else if entry.shape.len() < 2 {
        Some("not a matrix")
    } else if options.keep.contains(&class) {
        Some("its class is kept")
    } else if entry.elements() == 0 {
        Some("empty")
    } else {
        None
    };
    if let Some(reason) = keep {
        return Ok(Plan::Keep(reason));
    }
    match (stored_row_len(format, &entry.name, &entry.shape, Tail::Error), options.tail) {
        (Ok(_), _) => Ok(Plan::Quantize(quantize)),
        (Err(error), WeighTail::Error) => Err(error),
        (Err(_), WeighTail::Keep) => Ok(Plan::Keep("its rows do not fill groups")),
        (Err(_), WeighTail::Pad) => {
            quantize.tail = Tail::Pad;
            Ok(Plan::Quantize(quantize))
        }
    }
}

/// Whether the device can hold the model at this precision beside the largest tensor in its own type and the staging.
fn fits(gpu: &Gpu, model: &Model, format: &Format, options: &WeighOptions) -> bool {
    const STAGING: u64 = 64 << 20;
    let stored: u64 = (model.tensors.iter())
        .map(|entry| match plan(entry, Class::of(&entry.name, entry.shape.len()), format, options) {
            Ok(Plan::Quantize(quantize)) => stored_row_len(format, "", &entry.shape, quantize.tail)
                .map_or(entry.bytes(), |row_len| format.bytes(rows_of(&entry.shape), row_len)),
            _ => entry.bytes(),
        })
        .sum();
    let largest = model.tensors.iter().map(Entry::bytes).max().unwrap_or(0);
    gpu.check_memory("the model", stored + largest + STAGING.min(largest)).is_ok()
}

fn on_gpu(
    gpu: &Gpu,
    model: &Model,
    format: &Format,
    options: &WeighOptions,
    resident: bool,
    tell: &mut dyn FnMut(&str, u64),
) -> Result<Precision> {
    gpu.quiesce()?;
    let fresh = gpu.allocator();
    let mut before = Reading::take(gpu)?;
    let mut held = Vec::new();
    let mut around = Surroundings::default();
    let mut allocated = 0_i64;
    let mut requested = 0;
    let mut results = Results::default();
    let mut done = 0;
    for entry in &model.tensors {
        tell(&entry.name, done);
        let class = Class::of(&entry.name, entry.shape.len());
        let label = format!("{}/{}", class.name(), entry.name);
        let (tensor, errors, kept) = match plan(entry, class, format, options)? {
            Plan::Keep(reason) => {
                let tensor = Tensor::upload_opaque(gpu, &label, &entry.shape, model.bytes(entry))?;
                (tensor, None, Some(reason))
            }
            Plan::Quantize(quantizing) => {
                let element = entry.element.unwrap_or(format::Element::F32);
                let source =
                    Tensor::upload(gpu, &format!("scratch/{}", entry.name), &entry.shape, element, model.bytes(entry))?;
                let row_len = stored_row_len(format, &entry.name, &entry.shape, quantizing.tail)?;
                let target = Tensor::coded(gpu, &label, &entry.shape, *format, row_len)?;
                let errors = quantize_into(gpu, &source, &target, &quantizing).map_err(|e| named(e, &entry.name))?;
                drop(source);
                // What was dropped is given back before the next tensor comes, or two sources would lie on the device.
                gpu.quiesce()?;
                (target, Some(errors), None)
            }
        };
        let of_quantized = |bytes: u64| if kept.is_none() { bytes } else { 0 };
        let weighed = Weighed {
            class,
            parameters: if entry.is_float { entry.elements() } else { 0 },
            quantized: kept.is_none(),
            payload: tensor.planes.iter().map(|p| p.bytes).sum(),
            scales: of_quantized(format.scale_bytes(tensor.rows(), tensor.row_len)),
            zero_points: of_quantized(format.zero_point_bytes(tensor.rows(), tensor.row_len)),
            requested: tensor.requested_bytes(),
        };
        results.add(entry, format, weighed, errors, kept);
        if resident {
            held.push(tensor);
        } else {
            // Tensor by tensor: what each adds to the device, then it goes.
            gpu.quiesce()?;
            let after = Reading::take(gpu)?;
            around.alignment += after.alignment;
            around.staging += after.staging.saturating_sub(before.staging);
            allocated += after.allocated as i64 - before.allocated as i64;
            requested += after.requested - before.requested;
            drop(tensor);
            gpu.quiesce()?;
            before = Reading::take(gpu)?;
        }
        done += entry.bytes();
    }
    tell("", done);
    let mut reserved = None;
    if resident {
        gpu.quiesce()?;
        let after = Reading::take(gpu)?;
        around = Surroundings {
            baseline: fresh.as_ref().map_or(0, |f| f.allocated),
            alignment: after.alignment,
            staging: after.staging,
            scratch: after.scratch,
        };
        allocated = after.allocated as i64;
        requested = after.requested;
        reserved = after.reserved;
    }
    let allocated = fresh.is_some().then_some(allocated.max(0) as u64);
    let unmeasured = allocated.is_none().then_some("this backend has no allocator report");
    let mode = if resident { "resident" } else { "streamed" };
    let peak = gpu.ledger().peak_bytes();
    Ok(results.precision(format, mode, (requested, allocated, reserved), unmeasured, around, peak))
}

fn on_cpu(model: &Model, format: &Format, options: &WeighOptions, tell: &mut dyn FnMut(&str, u64)) -> Result<Precision> {
    let mut results = Results::default();
    let mut held = Vec::new();
    let mut done = 0;
    let mut peak = 0;
    for entry in &model.tensors {
        tell(&entry.name, done);
        let class = Class::of(&entry.name, entry.shape.len());
        let (planes, errors, kept, (scales, zero_points)) = match plan(entry, class, format, options)? {
            Plan::Keep(reason) => (vec![model.bytes(entry).to_vec()], None, Some(reason), (0, 0)),
            Plan::Quantize(quantizing) => {
                let values = entry.element.unwrap_or(format::Element::F32).widen(model.bytes(entry));
                let row_len = entry.shape.last().copied().unwrap_or(1);
                let stored = stored_row_len(format, &entry.name, &entry.shape, quantizing.tail)?;
                let values = padded(values, row_len as usize, stored as usize);
                let coded = format::encode(format, &entry.name, &values, stored as usize, options.non_finite)?;
                let rows = rows_of(&entry.shape);
                let scales = (format.scale_bytes(rows, stored), format.zero_point_bytes(rows, stored));
                peak = peak.max(values.len() as u64 * 4);
                (coded.planes, Some(coded.errors), None, scales)
            }
        };
        let payload = planes.iter().map(|p| p.len() as u64).sum();
        let parameters = if entry.is_float { entry.elements() } else { 0 };
        let weighed =
            Weighed { class, parameters, quantized: kept.is_none(), payload, scales, zero_points, requested: payload };
        results.add(entry, format, weighed, errors, kept);
        held.push(planes);
        done += entry.bytes();
    }
    tell("", done);
    let requested: u64 = held.iter().flatten().map(|p| p.len() as u64).sum();
    let unmeasured = Some("the CPU twins did the work, and the host's allocator has no report");
    let sizes = (requested, None, None);
    Ok(results.precision(format, "resident", sizes, unmeasured, Surroundings::default(), requested + peak))
}

/// Rows filled up with zeros to `stored` values.
fn padded(values: Vec<f32>, row_len: usize, stored: usize) -> Vec<f32> {
    if row_len == stored {
        return values;
    }
    let rows = values.chunks(row_len);
    rows.flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, stored - row_len))).collect()
}

/// What is on the device now.
struct Reading {
    allocated: u64,
    reserved: Option<u64>,
    requested: u64,
    alignment: u64,
    staging: u64,
    scratch: u64,
}

impl Reading {
    fn take(gpu: &Gpu) -> Result<Self> {
        gpu.quiesce()?;
        let ledger = gpu.ledger();
        let by_class = ledger.by_class();
        let allocator = gpu.allocator();
        let alignment = allocator.as_ref().map_or(0, |a| alignment(gpu, a));
        Ok(Self {
            allocated: allocator.as_ref().map_or(0, |a| a.allocated),
            reserved: allocator.as_ref().map(|a| a.reserved),
            requested: ledger.live_bytes(),
            alignment,
            staging: by_class.get("staging").copied().unwrap_or(0),
            scratch: by_class.get("scratch").copied().unwrap_or(0),
        })
    }
}

/// What the allocator holds under the labels of the ledger, beyond what the ledger asked for.
fn alignment(gpu: &Gpu, allocator: &AllocatorReading) -> u64 {
    let mut asked = std::collections::BTreeMap::<String, u64>::new();
    for line in gpu.ledger().lines() {
        *asked.entry(line.label).or_default() += line.bytes;
    }
    asked.iter().map(|(label, bytes)| allocator.by_label.get(label).map_or(0, |given| given.saturating_sub(*bytes))).sum()
}

fn named(error: Error, name: &str) -> Error {
    match error {
        Error::NonFinite { index, value, count, .. } => Error::NonFinite { tensor: name.into(), index, value, count },
        other => other,
    }
}

#[derive(Default)]
struct Results {
    weighed: Vec<Weighed>,
    tensors: Vec<TensorReport>,
    errors: Errors,
}

impl Results {
    fn add(&mut self, entry: &Entry, format: &Format, weighed: Weighed, errors: Option<Errors>, kept: Option<&'static str>) {
        if let Some(errors) = &errors {
            self.errors.add(errors);
        }
        self.tensors.push(TensorReport {
            name: entry.name.clone(),
            class: weighed.class.name(),
            format: if kept.is_some() { entry.dtype.to_lowercase() } else { format.to_string() },
            kept,
            bytes: weighed.requested,
            relative_rmse: errors.and_then(|e| e.relative_rmse()),
            max_abs_error: errors.map(|e| e.max_abs_error),
            sqnr_db: errors.and_then(|e| e.sqnr_db()),
            non_finite: errors.map(|e| e.non_finite),
            clipped: errors.map(|e| e.clipped),
            zeroed: errors.map(|e| e.zeroed),
        });
        self.weighed.push(weighed);
    }

    fn precision(
        self,
        format: &Format,
        mode: &'static str,
        (requested_bytes, allocated_bytes, reserved_bytes): (u64, Option<u64>, Option<u64>),
        unmeasured: Option<&'static str>,
        around: Surroundings,
        peak_requested_bytes: u64,
    ) -> Precision {
        let measured = allocated_bytes.unwrap_or(requested_bytes);
        Precision {
            format: format.to_string(),
            mode,
            estimated_bytes: lines::estimated(format, &self.weighed),
            requested_bytes,
            allocated_bytes,
            reserved_bytes,
            unmeasured,
            peak_requested_bytes,
            lines: lines::lines(format, &self.weighed, &around, measured),
            classes: lines::classes(format, &self.weighed),
            tensors: self.tensors,
            relative_rmse: self.errors.relative_rmse(),
        }
    }
}
