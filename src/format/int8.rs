//! Int8: symmetric 8-bit codes, one scale a row (or a group, or the tensor). 8 bits a weight and 32 a scale.

use super::{Format, Range, Scaled, Storage, Unit};

pub(super) const INT8: Format = Format {
    family: "int8",
    nominal_bits: 8,
    storage: Storage::Scaled(Scaled {
        bits: 8,
        unit: Unit::Row,
        units: &[Unit::Row, Unit::Tensor, Unit::Group(32), Unit::Group(64), Unit::Group(128)],
        asymmetric: false,
        may_be_asymmetric: false,
        half_scales: false,
    }),
    wgsl: "format/int8",
    range: Range::F32,
    holds_non_finite: false,
    picture: "codes | q0: i8 | q1: i8 | ... |   scales | unit 0: f32 or f16 | unit 1 | ... |",
    source: "compressed-tensors 0.20, symmetric, strategies channel, tensor and group: scale = amax / 127.5, q = clamp(rne(x / scale))",
};
