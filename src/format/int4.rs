//! Int4: symmetric or asymmetric 4-bit codes, one scale a group of 128 (or 32, or 64). 4.25 bits a weight at 128.

use super::{Format, Range, Scaled, Storage, Unit};

pub(super) const INT4: Format = Format {
    family: "int4",
    nominal_bits: 4,
    storage: Storage::Scaled(Scaled {
        bits: 4,
        unit: Unit::Group(128),
        units: &[Unit::Group(128), Unit::Group(64), Unit::Group(32)],
        asymmetric: false,
        may_be_asymmetric: true,
        half_scales: false,
    }),
    wgsl: "format/int4",
    range: Range::F32,
    holds_non_finite: false,
    picture: "codes | q1+8, q0+8: 4 bits each | q3+8, q2+8 | ... |   scales | group 0: f32 or f16 | group 1 | ... |   \
              zero_points | groups of rows 0-7: 8 x 4 bits each, z+8 | groups of rows 8-15 | ... |",
    source: "compressed-tensors 0.20, pack-quantized, strategy group. Symmetric: scale = amax / 7.5, q = clamp(rne(x / scale)). \
             Asymmetric: scale = (max - min) / 15 with 0 within, z = rne(clamp(-8 - min / scale)), q = rne(clamp(x / scale + z))",
};
