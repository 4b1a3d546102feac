//! Int4: symmetric 4-bit codes, one F32 scale a group of 128 (or 32, or 64). 4.25 bits a weight at 128.

use super::{Format, Range, Scaled, Storage, Unit};

pub(super) const INT4: Format = Format {
    family: "int4",
    nominal_bits: 4,
    storage: Storage::Scaled(Scaled {
        bits: 4,
        unit: Unit::Group(128),
        default_unit: Unit::Group(128),
        groups: &[32, 64, 128],
    }),
    wgsl: "format/int4",
    range: Range::F32,
    holds_non_finite: false,
    picture: "codes | q1+8, q0+8: 4 bits each | q3+8, q2+8 | ... |   scales | group 0: f32 | group 1: f32 | ... |",
    source: "compressed-tensors 0.20, pack-quantized, symmetric, strategy group: scale = amax / 7.5, q = clamp(rne(x / scale))",
};
