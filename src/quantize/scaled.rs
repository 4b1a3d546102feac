//! The scaled driver: how far each unit spreads, its scale and zero point, then the codes. Kernels: `quantize/spread.wgsl`,
//! `quantize/scale.wgsl` or `quantize/scale_asymmetric.wgsl`, `quantize/scaled.wgsl`, `quantize/narrow.wgsl`,
//! `dequantize/scaled.wgsl`.

use super::sums::{Share, Slots, Sums};
use super::units::{self, Units};
use crate::error::Result;
use crate::format::{Element, Errors, Format, Scaled};
use crate::gpu::{Gpu, Program};
use crate::tensor::{ATOM, Span, Tensor, extent, spans};

crate::params!(SpreadParams {
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
    unit_base,
    groups,
    zero_first,
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
    unit_base,
    groups,
    zero_first,
});

/// Elements of a run: what one invocation reads at a time, and the bits of its mask of doubts.
const RUN: u64 = 32;

fn spread_slot(card: &Scaled) -> (&'static str, &'static str) {
    ("spread", if card.asymmetric { "spread/extremes" } else { "spread/magnitude" })
}

pub(super) fn quantize(
    gpu: &Gpu,
    source: &Tensor,
    target: &Tensor,
    format: &Format,
    card: &Scaled,
    slots: &Slots,
) -> Result<Errors> {
    let from_slot = ("source", slots.element.wgsl());
    let spread = gpu.kernel::<SpreadParams>("quantize/spread", &[from_slot, spread_slot(card)])?;
    let encode = gpu.kernel::<QuantizeParams>("quantize/scaled", &[from_slot, ("format", format.wgsl), card.zero_slot()])?;
    let units = Units::new(gpu, target, card)?;

    // A unit may span windows: all of the spreads are known before the first code is chosen.
    let mut extents = vec![extent(source), extent(target), units.wide_extent()];
    extents.extend(units.spread_extent());
    extents.extend(units.zero_extent());
    let element_spans = spans(gpu, source.stored_elements(), ATOM, &extents)?;
    let share = |span: &Span| Share::of(gpu, &encode, span.elements.div_ceil(RUN), RUN, 1);
    let invocations: Vec<u64> = element_spans.iter().map(|span| share(span).invocations).collect();
    let unit_spans = units.spans(gpu)?;
    let sums = Sums::new(gpu, &invocations, unit_spans.len() as u64, slots.options.errors)?;

    let mut recording = gpu.record(&target.label);
    units.clear(&mut recording);
    for (i, span) in element_spans.iter().enumerate() {
        let range = span.first..span.first + span.elements;
        let (plane, of) = units.merged_extent();
        let (Some(from), Some(merged)) = (extents[0].0.view(gpu, &extents[0].1(&range)), plane.view(gpu, &of(&range))) else {
            continue;
        };
        let share = share(span);
        let place = units.place(span);
        let params = SpreadParams {
            elements: span.elements as u32,
            source_first: (from.skip / (4 * slots.element.bytes())) as u32,
            unit_len: place.unit_len,
            unit_first: (merged.skip / units.merged_bytes()) as u32,
            position: place.position,
            runs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
            run_quads: (RUN / 4) as u32,
            slot: i as u32,
        };
        let windows = [("source", from.window), ("units", merged.window), ("status", sums.status.window())];
        recording.dispatch(&spread, &params, &windows, share.invocations)?;
    }
    units.record_scales(gpu, &mut recording, &unit_spans, &sums.status, element_spans.len())?;
    for (i, span) in element_spans.iter().enumerate() {
        let range = span.first..span.first + span.elements;
        let view = |at: usize| extents[at].0.view(gpu, &extents[at].1(&range));
        let (Some(from), Some(to), Some(wide)) = (view(0), view(1), view(2)) else { continue };
        let share = share(span);
        let place = units.place(span);
        let zero = units.zero_view(gpu, &range);
        let params = QuantizeParams {
            elements: span.elements as u32,
            source_first: (from.skip / (4 * slots.element.bytes())) as u32,
            word_first: (to.skip / 4) as u32,
            unit_len: place.unit_len,
            unit_first: (wide.skip / 4) as u32,
            position: place.position,
            runs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
            run_octets: (RUN / 8) as u32,
            partials: sums.partials_of(share.invocations),
            unit_base: place.unit_base,
            groups: place.groups,
            zero_first: zero.as_ref().map_or(0, |zero| (zero.skip / 4) as u32),
        };
        let mut windows = vec![
            ("source", from.window),
            ("codes", to.window),
            ("scales", wide.window),
            ("status", sums.status.window()),
            ("partials", sums.partials.window()),
        ];
        windows.extend(zero.map(|zero| ("zero_points", zero.window)));
        recording.dispatch(&encode, &params, &windows, share.invocations)?;
        sums.total(&mut recording, i, share.invocations)?;
    }
    units.record_narrowing(gpu, &mut recording, &unit_spans)?;
    let tickets = sums.bring(&mut recording);
    let done = recording.run()?;
    sums.read(gpu, source, slots, (&element_spans, &unit_spans), done, tickets)
}

pub(super) fn dequantize(gpu: &Gpu, source: &Tensor, values: &Tensor, format: &Format, card: &Scaled) -> Result<()> {
    let slots = [("format", format.wgsl), card.scales_slot(), card.zero_slot()];
    let kernel = gpu.kernel::<DequantizeParams>("dequantize/scaled", &slots)?;
    let units = Units::stored(source, card);
    let mut extents = vec![extent(source), extent(values), units.stored_extent()];
    extents.extend(units.zero_extent());
    let mut recording = gpu.record(&source.label);
    for span in spans(gpu, source.stored_elements(), ATOM, &extents)? {
        let range = span.first..span.first + span.elements;
        let view = |at: usize| extents[at].0.view(gpu, &extents[at].1(&range));
        let (Some(from), Some(to), Some(scales)) = (view(0), view(1), view(2)) else { continue };
        let share = Share::of(gpu, &kernel, span.elements.div_ceil(RUN), RUN, 1);
        let place = units.place(&span);
        let zero = units.zero_view(gpu, &range);
        let params = DequantizeParams {
            elements: span.elements as u32,
            word_first: (from.skip / 4) as u32,
            quad_first: (to.skip / 16) as u32,
            unit_len: place.unit_len,
            unit_first: (scales.skip / card.scale_bytes()) as u32,
            position: place.position,
            runs_per_group: share.per_group,
            steps: share.steps,
            lane_stride: share.lane_stride,
            step_stride: share.step_stride,
            run_octets: (RUN / 8) as u32,
            unit_base: place.unit_base,
            groups: place.groups,
            zero_first: zero.as_ref().map_or(0, |zero| (zero.skip / 4) as u32),
        };
        let mut windows = vec![("codes", from.window), ("scales", scales.window), ("values", to.window)];
        windows.extend(zero.map(|zero| ("zero_points", zero.window)));
        recording.dispatch(&kernel, &params, &windows, share.invocations)?;
    }
    recording.run().map(drop)
}

/// The kernels of a format, in all of its variants, from each type of source.
pub(super) fn programs(format: &Format, card: &Scaled, elements: &[Element]) -> Result<Vec<Program>> {
    let mut programs = units::programs(card)?;
    for asymmetric in if card.may_be_asymmetric { &[false, true][..] } else { &[false] } {
        let card = Scaled { asymmetric: *asymmetric, ..*card };
        let codec = ("format", format.wgsl);
        for element in elements {
            let from_slot = ("source", element.wgsl());
            programs.push(Program::new::<SpreadParams>("quantize/spread", &[from_slot, spread_slot(&card)])?);
            programs.push(Program::new::<QuantizeParams>("quantize/scaled", &[from_slot, codec, card.zero_slot()])?);
        }
        for half in [false, true] {
            let slots = [codec, Scaled { half_scales: half, ..card }.scales_slot(), card.zero_slot()];
            programs.push(Program::new::<DequantizeParams>("dequantize/scaled", &slots)?);
        }
    }
    Ok(programs)
}
