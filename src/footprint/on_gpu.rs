//! Weighing on a GPU: the whole model resident at once, or tensor by tensor.

use super::lines::{Surroundings, Weighed};
use super::plan::{Action, TensorPlan};
use super::report::Precision;
use super::results::{Results, Sizes};
use crate::error::{Error, Result};
use crate::format::{Errors, Format};
use crate::gpu::{AllocatorReading, Gpu};
use crate::io::{Entry, Model, Stored};
use crate::quantize::{QuantizeOptions, quantize_into, stored_row_len};
use crate::tensor::Tensor;

/// Whether the device can hold the model as planned, beside the largest tensor as it comes and the staging.
pub(super) fn fits(gpu: &Gpu, model: &Model, plans: &[TensorPlan]) -> bool {
    const STAGING: u64 = 64 << 20;
    let stored: u64 = plans.iter().map(|plan| plan.action.bytes()).sum();
    let on_the_way = |entry: &Entry| match entry.stored {
        Stored::Coded(_) => entry.bytes() + 4 * entry.elements(),
        Stored::Plain(_) | Stored::Opaque => entry.bytes(),
    };
    let largest = model.tensors.iter().map(on_the_way).max().unwrap_or(0);
    gpu.check_memory("the model", stored + largest + STAGING.min(largest)).is_ok()
}

pub(super) fn weigh(
    gpu: &Gpu,
    model: &Model,
    format: &Format,
    plans: &[TensorPlan],
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
    for (entry, plan) in model.tensors.iter().zip(plans) {
        tell(&entry.name, done);
        let label = format!("{}/{}", plan.class.name(), entry.name);
        let mut weighed = Weighed::kept(plan.class, if entry.is_float { entry.elements() } else { 0 });
        let (tensor, errors) = match &plan.action {
            Action::Keep { .. } => (Tensor::upload_opaque(gpu, &label, &entry.shape, model.bytes(entry))?, None),
            Action::Quantize { format, options, .. } => {
                let (tensor, errors) =
                    quantized(gpu, model, entry, &label, format, options).map_err(|e| named(e, &entry.name))?;
                weighed.quantized(format, tensor.rows(), tensor.row_len);
                (tensor, Some(errors))
            }
        };
        weighed.payload = tensor.planes.iter().map(|p| p.bytes).sum();
        weighed.requested = tensor.requested_bytes();
        results.add(plan, weighed, errors);
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
    let sizes = Sizes { requested, allocated, reserved, peak_requested: gpu.ledger().peak_bytes(), unmeasured };
    Ok(results.precision(format, mode, sizes, around))
}

/// The tensor in its format; what was needed on the way is given back.
fn quantized(
    gpu: &Gpu,
    model: &Model,
    entry: &Entry,
    label: &str,
    format: &Format,
    options: &QuantizeOptions,
) -> Result<(Tensor, Errors)> {
    let scratch = format!("scratch/{}", entry.name);
    let from = match entry.stored {
        Stored::Plain(element) => Tensor::upload(gpu, &scratch, &entry.shape, element, model.bytes(entry))?,
        Stored::Coded(stored) => {
            let row_len = entry.shape.last().copied().unwrap_or(1);
            let blocks = Tensor::coded(gpu, &scratch, &entry.shape, stored, row_len)?;
            blocks.write(gpu, &[model.bytes(entry)])?;
            blocks
        }
        Stored::Opaque => unreachable!("the plan keeps what is neither"),
    };
    let row_len = stored_row_len(format, &entry.name, &entry.shape, options.tail)?;
    let target = Tensor::coded(gpu, label, &entry.shape, *format, row_len)?;
    let errors = quantize_into(gpu, &from, &target, options)?;
    drop(from);
    // What was dropped is given back before the next tensor comes, or two sources would lie on the device.
    gpu.quiesce()?;
    Ok((target, errors))
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
