//! Int8: symmetric 8-bit codes, one F32 scale a row. 8 bits a weight and 32 a row.

use super::{Format, Range, Scaled, Storage, Unit};

pub(super) const INT8: Format = Format {
    family: "int8",
    nominal_bits: 8,
    storage: Storage::Scaled(Scaled { bits: 8, unit: Unit::Row, default_unit: Unit::Row, groups: &[] }),
    wgsl: "format/int8",
    range: Range::F32,
    holds_non_finite: false,
    picture: "codes | q0: i8 | q1: i8 | ... |   scales | row 0: f32 | row 1: f32 | ... |",
    source: "compressed-tensors 0.20, symmetric, strategy channel: scale = amax / 127.5, q = clamp(rne(x / scale))",
};
