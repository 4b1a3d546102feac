//! Weighing by the CPU twins.

use super::lines::{Surroundings, Weighed};
use super::plan::{Action, TensorPlan};
use super::report::Precision;
use super::results::{Results, Sizes};
use crate::error::Result;
use crate::format::{self, Format};
use crate::io::{Model, Stored};
use crate::quantize::stored_row_len;
use crate::tensor::rows_of;

pub(super) fn weigh(
    model: &Model,
    format: &Format,
    plans: &[TensorPlan],
    tell: &mut dyn FnMut(&str, u64),
) -> Result<Precision> {
    let mut results = Results::default();
    let mut held = Vec::new();
    let mut done = 0;
    let mut peak = 0;
    for (entry, plan) in model.tensors.iter().zip(plans) {
        tell(&entry.name, done);
        let (rows, row_len) = (rows_of(&entry.shape), entry.shape.last().copied().unwrap_or(1));
        let mut weighed = Weighed::kept(plan.class, if entry.is_float { entry.elements() } else { 0 });
        let (planes, errors) = match &plan.action {
            Action::Keep { .. } => (vec![model.bytes(entry).to_vec()], None),
            Action::Quantize { format, options, .. } => {
                let bytes = model.bytes(entry);
                let values = match entry.stored {
                    Stored::Plain(element) => element.widen(bytes),
                    Stored::Coded(stored) => {
                        format::decode(&stored, &[bytes.to_vec()], entry.elements() as usize, row_len as usize)
                    }
                    Stored::Opaque => unreachable!("the plan keeps what is neither"),
                };
                let stored = stored_row_len(format, &entry.name, &entry.shape, options.tail)?;
                let values = padded(values, row_len as usize, stored as usize);
                let coded = format::encode(format, &entry.name, &values, stored as usize, options.non_finite)?;
                weighed.quantized(format, rows, stored);
                peak = peak.max(values.len() as u64 * 4);
                (coded.planes, Some(coded.errors))
            }
        };
        weighed.payload = planes.iter().map(|p| p.len() as u64).sum();
        weighed.requested = weighed.payload;
        results.add(plan, weighed, errors);
        held.push(planes);
        done += entry.bytes();
    }
    tell("", done);
    let requested: u64 = held.iter().flatten().map(|p| p.len() as u64).sum();
    let sizes = Sizes {
        requested,
        allocated: None,
        reserved: None,
        peak_requested: requested + peak,
        unmeasured: Some("the CPU twins did the work, and the host's allocator has no report"),
    };
    Ok(results.precision(format, "resident", sizes, Surroundings::default()))
}

/// Rows filled up with zeros to `stored` values.
fn padded(values: Vec<f32>, row_len: usize, stored: usize) -> Vec<f32> {
    if row_len == stored {
        return values;
    }
    let rows = values.chunks(row_len);
    rows.flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, stored - row_len))).collect()
}
