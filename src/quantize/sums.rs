//! What rides along with every quantizing dispatch: the count of non-finite values, and the sums of errors.

use std::sync::Arc;

use super::QuantizeOptions;
use crate::error::{Error, Result};
use crate::format::{Element, Errors, NonFinite};
use crate::gpu::{Buffer, Completed, Download, Gpu, Kernel, Program, Recording};
use crate::tensor::{Span, Tensor};

crate::params!(TotalParams { partials, run });

/// What the drivers are told.
pub(super) struct Slots {
    /// What the driver's source holds: the caller's type, or F32 where it was padded.
    pub element: Element,
    /// The length of a row in the tensor that the caller knows.
    pub row_len: u64,
    /// That tensor's label.
    pub label: String,
    pub options: QuantizeOptions,
}

/// Error sums that one invocation of `total_errors` adds up.
const RUN: u64 = 64;
/// `struct Total` of the shader, in words.
const TOTAL_WORDS: u64 = 8;
/// A region of totals for each span begins at a multiple of this, which suits every device's offset alignment.
const REGION: u64 = 256;

/// How invocations share a dispatch's work; see `shaders/lib/grid.wgsl`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Share {
    pub per_group: u32,
    pub steps: u32,
    pub lane_stride: u32,
    pub step_stride: u32,
    pub invocations: u64,
}

impl Share {
    /// Spreads `items`, each of `item_len` elements in `item_parts` parts, over the device.
    pub(super) fn of(gpu: &Gpu, kernel: &Kernel, items: u64, item_len: u64, item_parts: u64) -> Self {
        let workgroup = kernel.workgroup();
        let software = gpu.info().is_software();
        // Enough invocations to fill the device; then as many elements for each as the counts in a packed error sum allow, and as
        // many parts as a mask of 32 bits.
        let enough = if software { 1 << 12 } else { 1 << 19 };
        let steps = (items / enough).clamp(1, (512 / item_len).min(32 / item_parts).max(1)) as u32;
        let (lane_stride, step_stride) = if software { (steps, 1) } else { (1, workgroup) };
        let groups = items.div_ceil(u64::from(workgroup) * u64::from(steps));
        Self { per_group: workgroup * steps, steps, lane_stride, step_stride, invocations: groups * u64::from(workgroup) }
    }
}

/// The buffers of the sums, and how to read them.
pub(super) struct Sums {
    pub status: Buffer<u32>,
    pub partials: Buffer<u32>,
    totals: Buffer<u32>,
    kernel: Option<Arc<Kernel>>,
    regions: Vec<(u64, u64)>,
}

impl Sums {
    /// Room for spans that are done by so many invocations each, and for the status of spans of units.
    pub(super) fn new(gpu: &Gpu, invocations: &[u64], unit_spans: u64, measure: bool) -> Result<Self> {
        let most = invocations.iter().copied().max().unwrap_or(0);
        let mut regions = Vec::new();
        let mut end = 0;
        for count in invocations {
            let bytes = count.div_ceil(RUN) * TOTAL_WORDS * 4;
            regions.push((end, bytes));
            end += bytes.next_multiple_of(REGION);
        }
        let (partials, totals, kernel) = if measure {
            (most * 4, end / 4, Some(gpu.kernel::<TotalParams>("quantize/total_errors", &[])?))
        } else {
            (4, 4, None)
        };
        Ok(Self {
            status: gpu.buffer("scratch/status", 2 * (invocations.len() as u64 + unit_spans))?,
            partials: gpu.buffer("scratch/error_sums", partials)?,
            totals: gpu.buffer("scratch/error_totals", totals)?,
            kernel,
            regions,
        })
    }

    /// Adds up what the dispatch of span `index` wrote.
    pub(super) fn total(&self, recording: &mut Recording<'_>, index: usize, invocations: u64) -> Result<()> {
        let Some(kernel) = &self.kernel else { return Ok(()) };
        let (start, bytes) = self.regions[index];
        let params = TotalParams { partials: invocations as u32, run: RUN as u32 };
        let windows = [("partials", self.partials.window()), ("totals", self.totals.part(start..start + bytes))];
        recording.dispatch(kernel, &params, &windows, invocations.div_ceil(RUN))
    }

    /// The number of error sums that each of `invocations` writes; 0 where nothing is measured.
    pub(super) fn partials_of(&self, invocations: u64) -> u32 {
        if self.kernel.is_some() { invocations as u32 } else { 0 }
    }

    pub(super) fn bring(&self, recording: &mut Recording<'_>) -> (Download, Option<Download>) {
        let status = recording.download(&self.status, 0, self.status.bytes());
        let totals = self.kernel.as_ref().map(|_| recording.download(&self.totals, 0, self.totals.bytes()));
        (status, totals)
    }

    /// The sums of all spans, or the error that the policy asks for.
    pub(super) fn read(
        &self,
        gpu: &Gpu,
        source: &Tensor,
        slots: &Slots,
        (spans, unit_spans): (&[Span], &[Span]),
        mut done: Completed,
        (status, totals): (Download, Option<Download>),
    ) -> Result<Errors> {
        let mut errors = Errors::default();
        let mut first = None;
        let status = done.take_words(status);
        for (span, words) in spans.iter().zip(status.chunks_exact(2)) {
            if words[0] > 0 {
                errors.non_finite += u64::from(words[0]);
                first.get_or_insert(span.first + u64::from(!words[1]));
            }
        }
        if let (Some(first), NonFinite::Reject) = (first, slots.options.non_finite) {
            return Err(reject(gpu, source, slots, first, errors.non_finite)?);
        }
        for (span, words) in unit_spans.iter().zip(status.chunks_exact(2).skip(spans.len())) {
            if words[0] > 0 && slots.options.non_finite == NonFinite::Reject {
                return Err(Error::large_scale(&slots.label, span.first + u64::from(!words[1])));
            }
        }
        if let Some(totals) = totals {
            let words = done.take_words(totals);
            for (start, bytes) in &self.regions {
                let region = &words[(start / 4) as usize..((start + bytes) / 4) as usize];
                region.chunks_exact(TOTAL_WORDS as usize).for_each(|total| add(&mut errors, total));
            }
        }
        Ok(errors)
    }
}

fn add(errors: &mut Errors, total: &[u32]) {
    let float = |i: usize| f64::from(f32::from_bits(total[i]));
    let unit = 2.0_f64.powi(total[3] as i32);
    errors.squared_error += float(0) * unit * unit;
    errors.squared += float(1) * unit * unit;
    errors.max_abs_error = errors.max_abs_error.max(float(2) * unit);
    errors.clipped += u64::from(total[4]);
    errors.zeroed += u64::from(total[5]);
}

/// The error that names the first value that is not finite, fetched from the device.
fn reject(gpu: &Gpu, source: &Tensor, slots: &Slots, stored: u64, count: u64) -> Result<Error> {
    let element = slots.element;
    let byte = stored * element.bytes();
    let mut recording = gpu.record(&source.label);
    let word = source.record_word(&mut recording, byte / 4 * 4);
    let mut done = recording.run()?;
    let bytes = word.map(|word| done.take(word)).unwrap_or_default();
    let at = (byte % 4) as usize;
    let value = bytes.get(at..at + element.bytes() as usize).map_or(f32::NAN, |b| element.widen(b)[0]);
    let index = stored / source.row_len * slots.row_len + stored % source.row_len;
    Ok(Error::NonFinite { tensor: slots.label.clone(), index, value, count })
}

pub(super) fn program() -> Result<Program> {
    Program::new::<TotalParams>("quantize/total_errors", &[])
}
