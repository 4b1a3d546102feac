//! The scaled driver: the largest magnitude of each unit, its scale, then the codes. Kernels: `quantize/absmax.wgsl`,
//! `quantize/scale.wgsl`, `quantize/scaled.wgsl`, `dequantize/scaled.wgsl`.

use super::sums::{Share, Slots, Sums};
use crate::error::Result;
use crate::format::{Element, Errors, Format, Scaled, scaled};
use crate::gpu::{Gpu, Program};
use crate::tensor::{ATOM, Span, Tensor, extent, scales_extent, spans};

crate::params!(AbsmaxParams {
    elements,
    source_first,
    unit_len,
    unit_first,
    position,
    runs_per_group,
    steps,
    lane_stride,
    step_stride,
    run_quads,
    slot,
});

crate::params!(ScaleParams { units, unit_first, divisor });

crate::params!(QuantizeParams {
    elements,
    source_first,
    word_first,
    unit_len,
    unit_first,
    position,
    runs_per_group,
    steps,
    lane_stride,
    step_stride,
    run_octets,
    partials,
});

crate::params!(DequantizeParams {
    elements,
    word_first,
    quad_first,
    unit_len,
    unit_first,
    position,
    runs_per_group,
    steps,
    lane_stride,
    step_stride,
    run_octets,
});

/// Elements of a run: what one invocation reads at a time, and the bits of its mask of doubts.
const RUN: u64 = 32;

pub(super) fn quantize(
    gpu: &Gpu,
    source: &Tensor,
    target: &Tensor,
    format: &Format,
    card: &Scaled,
    slots: &Slots,
) -> Result<Errors> {
    let from_slot = ("source", slots.element.wgsl());
    let absmax = gpu.kernel::<AbsmaxParams>("quantize/absmax", &[from_slot])?;
    let scale = gpu.kernel::<ScaleParams>("quantize/scale", &[])?;
    let encode = gpu.kernel::<QuantizeParams>("quantize/scaled", &[from_slot, ("format", format.wgsl)])?;
    let unit_len = card.unit_len(target.row_len);
    let scales = &target.planes[1];

    // A unit may span windows: all of the maxima are known before the first code is chosen.
    let extents = [extent(source), extent(target), scales_extent(scales, unit_len)];
    let spans = spans(gpu, source.stored_elements(), ATOM, &extents)?;
    let share = |span: &Span| Share::of(gpu, &encode, span.elements.div_ceil(RUN), RUN, 1);
    let invocations: Vec<u64> = spans.iter().map(|span| share(span).invocations).collect();
    let sums = Sums::new(gpu, &invocations, slots.options.errors)?;

    let mut recording = gpu.record(&target.label);
    scales.buffers().for_each(|buffer| recording.clear(buffer));
    for (i, span) in spans.iter().enumerate() {
        let range = span.first..span.first + span.elements;
        let (Some(from), Some(units)) =
            (extents[0].0.view(gpu, &extents[0].1(&range)), scales.view(gpu, &extents[2].1(&range)))
        else {
            continue;
        };
        let share = share(span);
        let params = AbsmaxParams {
            elements: span.elements as u32,
            source_first: (from.skip / (4 * slots.element.bytes())) as u32,
            unit_len: unit_len as u32,
            unit_first: (units.skip / 4) as u32,
            position: (span.first % unit_len) as u32,
            runs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
            run_quads: (RUN / 4) as u32,
            slot: i as u32,
        };
        let windows = [("source", from.window), ("units", units.window), ("status", sums.status.window())];
        recording.dispatch(&absmax, &params, &windows, share.invocations)?;
    }
    let whole = [scales_extent(scales, 1)];
    for span in crate::tensor::spans(gpu, scales.bytes / 4, 4, &whole)? {
        let Some(units) = scales.view(gpu, &(span.first * 4..(span.first + span.elements) * 4)) else { continue };
        let params = ScaleParams {
            units: span.elements as u32,
            unit_first: (units.skip / 4) as u32,
            divisor: scaled::divisor(card.bits).to_bits(),
        };
        recording.dispatch(&scale, &params, &[("units", units.window)], span.elements)?;
    }
    for (i, span) in spans.iter().enumerate() {
        let range = span.first..span.first + span.elements;
        let view = |at: usize| extents[at].0.view(gpu, &extents[at].1(&range));
        let (Some(from), Some(to), Some(units)) = (view(0), view(1), view(2)) else { continue };
        let share = share(span);
        let params = QuantizeParams {
            elements: span.elements as u32,
            source_first: (from.skip / (4 * slots.element.bytes())) as u32,
            word_first: (to.skip / 4) as u32,
            unit_len: unit_len as u32,
            unit_first: (units.skip / 4) as u32,
            position: (span.first % unit_len) as u32,
            runs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
            run_octets: (RUN / 8) as u32,
            partials: sums.partials_of(share.invocations),
        };
        let windows = [
            ("source", from.window),
            ("codes", to.window),
            ("scales", units.window),
            ("status", sums.status.window()),
            ("partials", sums.partials.window()),
        ];
        recording.dispatch(&encode, &params, &windows, share.invocations)?;
        sums.total(&mut recording, i, share.invocations)?;
    }
    let tickets = sums.bring(&mut recording);
    let done = recording.run()?;
    sums.read(gpu, source, slots, &spans, done, tickets)
}

pub(super) fn dequantize(gpu: &Gpu, source: &Tensor, values: &Tensor, format: &Format, card: &Scaled) -> Result<()> {
    let kernel = gpu.kernel::<DequantizeParams>("dequantize/scaled", &[("format", format.wgsl)])?;
    let unit_len = card.unit_len(source.row_len);
    let extents = [extent(source), extent(values), scales_extent(&source.planes[1], unit_len)];
    let mut recording = gpu.record(&source.label);
    for span in spans(gpu, source.stored_elements(), ATOM, &extents)? {
        let range = span.first..span.first + span.elements;
        let view = |at: usize| extents[at].0.view(gpu, &extents[at].1(&range));
        let (Some(from), Some(to), Some(units)) = (view(0), view(1), view(2)) else { continue };
        let share = Share::of(gpu, &kernel, span.elements.div_ceil(RUN), RUN, 1);
        let params = DequantizeParams {
            elements: span.elements as u32,
            word_first: (from.skip / 4) as u32,
            quad_first: (to.skip / 16) as u32,
            unit_len: unit_len as u32,
            unit_first: (units.skip / 4) as u32,
            position: (span.first % unit_len) as u32,
            runs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
            run_octets: (RUN / 8) as u32,
        };
        let windows = [("codes", from.window), ("scales", units.window), ("values", to.window)];
        recording.dispatch(&kernel, &params, &windows, share.invocations)?;
    }
    recording.run().map(drop)
}

pub(super) fn scale_program() -> Result<Program> {
    Program::new::<ScaleParams>("quantize/scale", &[])
}

pub(super) fn absmax_program(element: Element) -> Result<Program> {
    Program::new::<AbsmaxParams>("quantize/absmax", &[("source", element.wgsl())])
}

/// The kernels of a format, from each type of source.
pub(super) fn programs(format: &Format, elements: &[Element]) -> Result<Vec<Program>> {
    let codec = ("format", format.wgsl);
    let quantize = elements.iter().map(|e| Program::new::<QuantizeParams>("quantize/scaled", &[("source", e.wgsl()), codec]));
    quantize.chain([Program::new::<DequantizeParams>("dequantize/scaled", &[codec])]).collect()
}
