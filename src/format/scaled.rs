//! The maths of formats whose scales lie in a plane of their own: codes, and a scale (and a zero point) for each unit.
//!
//! Source: compressed-tensors 0.20 (`calculate_qparams`, `quantize`) on input widened to F32. Where it leaves NaN (the zero point of a
//! group of zeros) the zero point is 0.

use half::f16;

use super::Scaled;

/// The largest values of a unit, above zero and below it, as magnitudes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    /// The largest value, or 0.
    pub above: f32,
    /// The smallest value's magnitude, or 0.
    pub below: f32,
}

impl Spread {
    /// That of finite values.
    #[must_use]
    pub fn of(x: impl Iterator<Item = f32>) -> Self {
        x.fold(Self::default(), |s, x| Self { above: s.above.max(x), below: s.below.max(-x) })
    }
}

/// What the codes of a unit are chosen with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parameters {
    /// As stored, widened to F32.
    pub scale: f32,
    /// 0 in symmetric formats.
    pub zero: i32,
    /// Whether the scale was beyond F16, stored so, and is the largest that F16 holds.
    pub beyond: bool,
}

impl Scaled {
    /// Scale and zero point of a unit.
    ///
    /// Symmetric: half the range of values over half the range of codes. Asymmetric: the range of values, 0 within, over the range of
    /// codes. A scale of 0 becomes F32's epsilon; one that rounds to 0 as F16 becomes the least that F16 holds.
    #[must_use]
    pub fn parameters(&self, spread: Spread) -> Parameters {
        let scale = if self.asymmetric {
            (spread.above + spread.below) / ((1_u32 << self.bits) - 1) as f32
        } else {
            spread.above.max(spread.below) / divisor(self.bits)
        };
        let (scale, beyond) = if self.half_scales { rounded(scale) } else { (scale, false) };
        let zero = match self.asymmetric {
            true if scale == 0.0 && spread.below == 0.0 => 0,
            true => (lowest(self.bits) as f32 + spread.below / scale)
                .clamp(lowest(self.bits) as f32, highest(self.bits) as f32)
                .round_ties_even() as i32,
            false => 0,
        };
        Parameters { scale: if scale == 0.0 { f32::EPSILON } else { scale }, zero, beyond }
    }

    /// The code of `x`: the quotient, rounded to F32, and the zero point, the sum rounded too, to the nearest integer (ties to even)
    /// within the range.
    #[must_use]
    pub fn code(&self, x: f32, parameters: Parameters) -> i32 {
        let sum = x / parameters.scale + parameters.zero as f32;
        (sum.round_ties_even() as i32).clamp(lowest(self.bits), highest(self.bits))
    }
}

/// A scale as F16, and whether it is beyond that.
fn rounded(scale: f32) -> (f32, bool) {
    let half = f16::from_f32(scale);
    match half.to_f32() {
        half if half.is_infinite() => (f16::MAX.to_f32(), true),
        0.0 if scale > 0.0 => (f16::MIN_POSITIVE_SUBNORMAL.to_f32(), false),
        half => (half, false),
    }
}

/// Half of the range of codes: 127.5 for 8 bits, 7.5 for 4.
#[must_use]
pub fn divisor(bits: u32) -> f32 {
    ((1_u32 << bits) - 1) as f32 / 2.0
}

fn lowest(bits: u32) -> i32 {
    -(1 << (bits - 1))
}

fn highest(bits: u32) -> i32 {
    (1 << (bits - 1)) - 1
}

/// Writes code number `index` of a plane: 8 bits as they are, 4 bits as code + 8, the first in the lower half of its byte.
/// The bytes must be 0 before.
pub fn put_code(codes: &mut [u8], index: usize, bits: u32, code: i32) {
    if bits == 8 {
        codes[index] = code as u8;
    } else {
        codes[index / 2] |= ((code + 8) as u8) << (4 * (index % 2));
    }
}

/// Reads code number `index` of a plane.
#[must_use]
pub fn take_code(codes: &[u8], index: usize, bits: u32) -> i32 {
    if bits == 8 { i32::from(codes[index] as i8) } else { i32::from(codes[index / 2] >> (4 * (index % 2)) & 15) - 8 }
}

/// Where the zero point of a group lies in its plane: the number of a 4-bit field. Words hold eight rows of one group.
#[must_use]
pub fn zero_point_index(row: usize, group: usize, groups: usize) -> usize {
    (row / 8 * groups + group) * 8 + row % 8
}

#[cfg(test)]
mod tests {
    use super::super::{Format, Storage};
    use super::*;

    fn card(name: &str) -> Scaled {
        match name.parse::<Format>().unwrap().storage {
            Storage::Scaled(card) => card,
            Storage::Block(_) => unreachable!(),
        }
    }

    #[test]
    fn worked_by_hand() {
        let int4 = card("int4");
        let unit = int4.parameters(Spread { above: 7.5, below: 1.0 });
        assert_eq!(unit, Parameters { scale: 1.0, zero: 0, beyond: false });
        assert_eq!([7.5, 6.5, 0.5, 1.5, -7.5, -0.5].map(|x| int4.code(x, unit)), [7, 6, 0, 2, -8, 0]);
        let int8 = card("int8");
        assert_eq!(int8.parameters(Spread::default()).scale, f32::EPSILON);
        let unit = Parameters { scale: 1.0, zero: 0, beyond: false };
        assert_eq!([127.5, 126.5, -127.5].map(|x| int8.code(x, unit)), [127, 126, -128]);
    }

    #[test]
    fn asymmetric_worked_by_hand() {
        let asym = card("int4:asym");
        let unit = asym.parameters(Spread { above: 12.0, below: 3.0 });
        assert_eq!(unit, Parameters { scale: 1.0, zero: -5, beyond: false });
        assert_eq!([-3.0, 0.0, 12.0, 0.5, 1.5].map(|x| asym.code(x, unit)), [-8, -5, 7, -4, -4]);
        let zeros = Parameters { scale: f32::EPSILON, zero: 0, beyond: false };
        assert_eq!(asym.parameters(Spread::default()), zeros, "a group of zeros");
        let positive = asym.parameters(Spread { above: 15.0, below: 0.0 });
        assert_eq!(positive, Parameters { scale: 1.0, zero: -8, beyond: false });
    }

    #[test]
    fn half_scales_are_rounded_before_codes_are_chosen() {
        let half = card("int4:f16");
        let unit = half.parameters(Spread { above: 1.0, below: 0.0 });
        assert_eq!(unit.scale, f16::from_f32(1.0 / 7.5).to_f32());
        assert_eq!(half.parameters(Spread { above: 1e-9, below: 0.0 }).scale, 2.0_f32.powi(-24));
        let large = half.parameters(Spread { above: 1e6, below: 0.0 });
        assert_eq!((large.scale, large.beyond), (65504.0, true));
        assert_eq!(half.parameters(Spread::default()).scale, f32::EPSILON, "which F16 holds");
    }

    #[test]
    fn codes_come_back() {
        for bits in [4, 8] {
            let mut plane = [0; 16];
            let all: Vec<i32> = (0..16).map(|i| (i * 37) % (1 << bits) - (1 << (bits - 1))).collect();
            for (i, code) in all.iter().enumerate() {
                put_code(&mut plane, i, bits, *code);
            }
            let back: Vec<i32> = (0..16).map(|i| take_code(&plane, i, bits)).collect();
            assert_eq!(back, all);
        }
    }
}
