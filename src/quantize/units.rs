//! The scales and zero points of the scaled driver: where they lie, and the dispatches that compute them.

use crate::error::Result;
use crate::format::{Scaled, ZERO_POINT_ROWS, scaled};
use crate::gpu::{Buffer, Gpu, Program, Recording};
use crate::tensor::{Extent, Plane, Span, Tensor, View, spans, units_extent};

crate::params!(ScaleParams { units, unit_first, divisor, half, slot });
crate::params!(AsymmetricParams { units, unit_base, spread_first, unit_first, zero_first, groups, half, slot });
crate::params!(NarrowParams { units, wide_first, narrow_first });

/// Units of a dispatch are cut at multiples of this, which no word of F16 scales straddles.
const UNIT_ATOM: u64 = 8;

/// The units of a tensor: what shares a scale.
pub(super) struct Units<'a> {
    card: Scaled,
    count: u64,
    unit_len: u64,
    /// Units in a row; 1 where a unit is no part of a row.
    groups: u64,
    stored: &'a Plane,
    zero: Option<&'a Plane>,
    /// F32 scales, where F16 are stored: codes are chosen with these.
    wide: Option<Plane>,
    /// The spreads of asymmetric units; those of symmetric ones become scales where they are.
    spreads: Option<Plane>,
}

/// Where a span lies among the units.
pub(super) struct Place {
    pub unit_len: u32,
    pub position: u32,
    pub unit_base: u32,
    pub groups: u32,
}

impl<'a> Units<'a> {
    /// Those of a tensor that is there.
    pub(super) fn stored(target: &'a Tensor, card: &Scaled) -> Self {
        let unit_len = card.unit_len(target.rows(), target.row_len);
        Self {
            card: *card,
            count: target.stored_elements() / unit_len,
            unit_len,
            groups: (target.row_len / unit_len).max(1),
            stored: &target.planes[1],
            zero: target.planes.get(2),
            wide: None,
            spreads: None,
        }
    }

    /// Those of a tensor that will be quantized: with the scratch that takes.
    pub(super) fn new(gpu: &Gpu, target: &'a Tensor, card: &Scaled) -> Result<Self> {
        let mut units = Self::stored(target, card);
        let scratch = |name: &str, bytes: u64| Plane::of_units(gpu, name, "units", units.count * bytes, bytes, units.unit_len);
        let wide = if card.half_scales { Some(scratch("scratch/scales", 4)?) } else { None };
        let spreads = if card.asymmetric { Some(scratch("scratch/spreads", 8)?) } else { None };
        (units.wide, units.spreads) = (wide, spreads);
        Ok(units)
    }

    fn wide(&self) -> &Plane {
        self.wide.as_ref().unwrap_or(self.stored)
    }

    /// The F32 scales.
    pub(super) fn wide_extent(&self) -> Extent<'_> {
        units_extent(self.wide(), self.unit_len, 4)
    }

    /// The scales as stored.
    pub(super) fn stored_extent(&self) -> Extent<'a> {
        units_extent(self.stored, self.unit_len, self.card.scale_bytes())
    }

    pub(super) fn spread_extent(&self) -> Option<Extent<'_>> {
        self.spreads.as_ref().map(|plane| units_extent(plane, self.unit_len, 8))
    }

    /// What the spreads are merged into.
    pub(super) fn merged_extent(&self) -> Extent<'_> {
        self.spread_extent().unwrap_or_else(|| self.wide_extent())
    }

    /// Bytes of a unit in it.
    pub(super) fn merged_bytes(&self) -> u64 {
        if self.spreads.is_some() { 8 } else { 4 }
    }

    /// The zero points: a row of words for each eight rows.
    pub(super) fn zero_extent(&self) -> Option<Extent<'a>> {
        let (unit_len, groups) = (self.unit_len, self.groups);
        let first = move |unit: u64| unit / groups / ZERO_POINT_ROWS * groups * 4;
        let of = move |r: &std::ops::Range<u64>| first(r.start / unit_len)..first((r.end - 1) / unit_len) + groups * 4;
        self.zero.map(|plane| -> Extent<'a> { (plane, Box::new(of)) })
    }

    pub(super) fn zero_view(&self, gpu: &Gpu, range: &std::ops::Range<u64>) -> Option<View<'a>> {
        let (plane, of) = self.zero_extent()?;
        plane.view(gpu, &of(range))
    }

    /// Where `span` lies. A unit larger than a span is as good as an endless one.
    pub(super) fn place(&self, span: &Span) -> Place {
        let position = span.first % self.unit_len;
        let within_one = position + span.elements <= self.unit_len;
        let (unit_len, position) = if within_one { (u32::MAX, 0) } else { (self.unit_len as u32, position as u32) };
        // Counted from a row of words on, so that it stays small however large the tensor is.
        let unit_base = (span.first / self.unit_len) % (self.groups * ZERO_POINT_ROWS);
        Place { unit_len, position, unit_base: unit_base as u32, groups: self.groups as u32 }
    }

    /// Spans of units whose every plane fits in one window.
    pub(super) fn spans(&self, gpu: &Gpu) -> Result<Vec<Span>> {
        let mut extents = vec![units_extent(self.wide(), 1, 4), units_extent(self.stored, 1, self.card.scale_bytes())];
        extents.extend(self.spreads.as_ref().map(|plane| units_extent(plane, 1, 8)));
        let groups = self.groups;
        let first = move |unit: u64| unit / groups / ZERO_POINT_ROWS * groups * 4;
        extents.extend(
            self.zero.map(|plane| -> Extent<'_> { (plane, Box::new(move |r| first(r.start)..first(r.end - 1) + groups * 4)) }),
        );
        spans(gpu, self.count, UNIT_ATOM, &extents)
    }

    pub(super) fn clear(&self, recording: &mut Recording<'_>) {
        let planes = [Some(self.wide()), self.spreads.as_ref(), self.zero];
        planes.into_iter().flatten().flat_map(Plane::buffers).for_each(|buffer| recording.clear(buffer));
    }

    /// Turns spreads into scales and zero points; what is beyond F16 is noted in the slots from `slot` on.
    pub(super) fn record_scales(
        &self,
        gpu: &Gpu,
        recording: &mut Recording<'_>,
        spans: &[Span],
        status: &Buffer<u32>,
        slot: usize,
    ) -> Result<()> {
        let half = u32::from(self.card.half_scales);
        for (i, span) in spans.iter().enumerate() {
            let (units, slot) = (span.elements as u32, (slot + i) as u32);
            let bytes = |of: u64| span.first * of..(span.first + span.elements) * of;
            let Some(wide) = self.wide().view(gpu, &bytes(4)) else { continue };
            let unit_first = (wide.skip / 4) as u32;
            if let (Some(spreads), Some(zero)) = (&self.spreads, self.zero) {
                let kernel = gpu.kernel::<AsymmetricParams>("quantize/scale_asymmetric", &[])?;
                let first = |unit: u64| unit / self.groups / ZERO_POINT_ROWS * self.groups * 4;
                let zeros = first(span.first)..first(span.first + span.elements - 1) + self.groups * 4;
                let (Some(spreads), Some(zero)) = (spreads.view(gpu, &bytes(8)), zero.view(gpu, &zeros)) else { continue };
                let params = AsymmetricParams {
                    units,
                    unit_base: (span.first % (self.groups * ZERO_POINT_ROWS)) as u32,
                    spread_first: (spreads.skip / 4) as u32,
                    unit_first,
                    zero_first: (zero.skip / 4) as u32,
                    groups: self.groups as u32,
                    half,
                    slot,
                };
                let windows = [
                    ("spreads", spreads.window),
                    ("scales", wide.window),
                    ("zero_points", zero.window),
                    ("status", status.window()),
                ];
                recording.dispatch(&kernel, &params, &windows, span.elements)?;
            } else {
                let kernel = gpu.kernel::<ScaleParams>("quantize/scale", &[])?;
                let divisor = scaled::divisor(self.card.bits).to_bits();
                let params = ScaleParams { units, unit_first, divisor, half, slot };
                recording.dispatch(&kernel, &params, &[("units", wide.window), ("status", status.window())], span.elements)?;
            }
        }
        Ok(())
    }

    /// Stores F16 scales, where that is how they are stored.
    pub(super) fn record_narrowing(&self, gpu: &Gpu, recording: &mut Recording<'_>, spans: &[Span]) -> Result<()> {
        let Some(wide) = &self.wide else { return Ok(()) };
        let kernel = gpu.kernel::<NarrowParams>("quantize/narrow", &[])?;
        for span in spans {
            let bytes = |of: u64| span.first * of..(span.first + span.elements) * of;
            let (Some(wide), Some(narrow)) = (wide.view(gpu, &bytes(4)), self.stored.view(gpu, &bytes(2))) else { continue };
            let params = NarrowParams {
                units: span.elements as u32,
                wide_first: (wide.skip / 4) as u32,
                narrow_first: (narrow.skip / 4) as u32,
            };
            let windows = [("wide", wide.window), ("narrow", narrow.window)];
            recording.dispatch(&kernel, &params, &windows, span.elements.div_ceil(2))?;
        }
        Ok(())
    }
}

/// The kernels that a card needs.
pub(super) fn programs(card: &Scaled) -> Result<Vec<Program>> {
    let mut programs =
        vec![Program::new::<ScaleParams>("quantize/scale", &[])?, Program::new::<NarrowParams>("quantize/narrow", &[])?];
    if card.may_be_asymmetric {
        programs.push(Program::new::<AsymmetricParams>("quantize/scale_asymmetric", &[])?);
    }
    Ok(programs)
}
