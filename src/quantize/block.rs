//! The block driver: one pass, the scale lives in the block. Kernels: `quantize/block.wgsl`, `dequantize/block.wgsl`.

use super::sums::{Share, Slots, Sums};
use crate::error::Result;
use crate::format::{Block, Element, Errors, Format};
use crate::gpu::{Gpu, Program};
use crate::tensor::{ATOM, Span, Tensor, extent, spans};

crate::params!(QuantizeParams {
    blocks,
    elements,
    source_first,
    word_first,
    words,
    pack,
    packs_per_group,
    steps,
    lane_stride,
    step_stride,
    quads,
    policy,
    slot,
    partials,
});

crate::params!(DequantizeParams {
    blocks,
    word_first,
    quad_first,
    quads,
    pack,
    packs_per_group,
    steps,
    lane_stride,
    step_stride,
});

/// What a run of the kernel's blocks is: its values, and how many runs fill whole words.
fn runs(block: &Block) -> (u64, u64) {
    let run_bytes = block.bytes * (block.run_len / block.len);
    (block.run_len.into(), if run_bytes.is_multiple_of(4) { 1 } else { 2 })
}

pub(super) fn quantize(
    gpu: &Gpu,
    source: &Tensor,
    target: &Tensor,
    format: &Format,
    block: &Block,
    slots: &Slots,
) -> Result<Errors> {
    let kernel =
        gpu.kernel::<QuantizeParams>("quantize/block", &[("source", slots.element.wgsl()), ("format", format.wgsl)])?;
    let (run_len, pack) = runs(block);
    let extents = [extent(source), extent(target)];
    let spans = spans(gpu, source.stored_elements(), ATOM, &extents)?;
    let share = |span: &Span| Share::of(gpu, &kernel, span.elements.div_ceil(run_len * pack), run_len * pack, pack);
    let invocations: Vec<u64> = spans.iter().map(|span| share(span).invocations).collect();
    let sums = Sums::new(gpu, &invocations, 0, slots.options.errors)?;

    let mut recording = gpu.record(&target.label);
    for (i, span) in spans.iter().enumerate() {
        let range = span.first..span.first + span.elements;
        let (Some(from), Some(to)) =
            (extents[0].0.view(gpu, &extents[0].1(&range)), extents[1].0.view(gpu, &extents[1].1(&range)))
        else {
            continue;
        };
        let share = share(span);
        let coded = extents[1].1(&range);
        let coded = coded.end - coded.start;
        let params = QuantizeParams {
            blocks: span.elements.div_ceil(run_len) as u32,
            elements: span.elements as u32,
            source_first: (from.skip / (4 * slots.element.bytes())) as u32,
            word_first: (to.skip / 4) as u32,
            words: coded.div_ceil(4) as u32,
            pack: pack as u32,
            packs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
            quads: (run_len / 4) as u32,
            policy: slots.options.non_finite as u32,
            slot: i as u32,
            partials: sums.partials_of(share.invocations),
        };
        let windows = [
            ("source", from.window),
            ("blocks", to.window),
            ("status", sums.status.window()),
            ("partials", sums.partials.window()),
        ];
        recording.dispatch(&kernel, &params, &windows, share.invocations)?;
        sums.total(&mut recording, i, share.invocations)?;
    }
    let tickets = sums.bring(&mut recording);
    let done = recording.run()?;
    sums.read(gpu, source, slots, (&spans, &[]), done, tickets)
}

pub(super) fn dequantize(gpu: &Gpu, source: &Tensor, values: &Tensor, format: &Format, block: &Block) -> Result<()> {
    let kernel = gpu.kernel::<DequantizeParams>("dequantize/block", &[("format", format.wgsl)])?;
    let (run_len, pack) = runs(block);
    let extents = [extent(source), extent(values)];
    let mut recording = gpu.record(&source.label);
    for span in spans(gpu, source.stored_elements(), ATOM, &extents)? {
        let range = span.first..span.first + span.elements;
        let (Some(from), Some(to)) =
            (extents[0].0.view(gpu, &extents[0].1(&range)), extents[1].0.view(gpu, &extents[1].1(&range)))
        else {
            continue;
        };
        let share = Share::of(gpu, &kernel, span.elements.div_ceil(run_len * pack), run_len * pack, pack);
        let params = DequantizeParams {
            blocks: span.elements.div_ceil(run_len) as u32,
            word_first: (from.skip / 4) as u32,
            quad_first: (to.skip / 16) as u32,
            quads: span.elements.div_ceil(4) as u32,
            pack: pack as u32,
            packs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
        };
        recording.dispatch(&kernel, &params, &[("blocks", from.window), ("values", to.window)], share.invocations)?;
    }
    recording.run().map(drop)
}

/// The kernels of a format, from each type of source.
pub(super) fn programs(format: &Format, elements: &[Element]) -> Result<Vec<Program>> {
    let codec = ("format", format.wgsl);
    let quantize = elements.iter().map(|e| Program::new::<QuantizeParams>("quantize/block", &[("source", e.wgsl()), codec]));
    quantize.chain([Program::new::<DequantizeParams>("dequantize/block", &[codec])]).collect()
}
