//! Collects what became of each tensor into a report.

use super::lines::{self, Surroundings, Weighed};
use super::plan::{Action, TensorPlan};
use super::report::{Precision, TensorReport};
use crate::format::{Errors, Format};

/// What has been found so far, at one precision.
#[derive(Default)]
pub(super) struct Results {
    weighed: Vec<Weighed>,
    tensors: Vec<TensorReport>,
    errors: Errors,
}

/// The bytes of a precision.
pub(super) struct Sizes {
    pub requested: u64,
    pub allocated: Option<u64>,
    pub reserved: Option<u64>,
    pub peak_requested: u64,
    /// Why two of them are not known.
    pub unmeasured: Option<&'static str>,
}

impl Results {
    pub(super) fn add(&mut self, plan: &TensorPlan, weighed: Weighed, errors: Option<Errors>) {
        if let Some(errors) = &errors {
            self.errors.add(errors);
        }
        let (format, kept) = match &plan.action {
            Action::Quantize { format, .. } => (format.to_string(), None),
            Action::Keep { reason, .. } => (plan.source.to_lowercase(), Some(*reason)),
        };
        self.tensors.push(TensorReport {
            name: plan.name.clone(),
            class: weighed.class.name(),
            source: plan.source.to_lowercase(),
            dequantized_first: plan.dequantized_first,
            format,
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

    pub(super) fn precision(self, format: &Format, mode: &'static str, sizes: Sizes, around: Surroundings) -> Precision {
        let measured = sizes.allocated.unwrap_or(sizes.requested);
        Precision {
            format: format.to_string(),
            mode,
            estimated_bytes: lines::estimated(format, &self.weighed),
            requested_bytes: sizes.requested,
            allocated_bytes: sizes.allocated,
            reserved_bytes: sizes.reserved,
            unmeasured: sizes.unmeasured,
            peak_requested_bytes: sizes.peak_requested,
            lines: lines::lines(format, &self.weighed, &around, measured),
            classes: lines::classes(format, &self.weighed),
            tensors: self.tensors,
            relative_rmse: self.errors.relative_rmse(),
        }
    }
}
