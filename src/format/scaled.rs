//! The maths of formats whose scales lie in a plane of their own: symmetric codes, a scale a row or a group.
//!
//! Source: compressed-tensors 0.20 (`calculate_qparams`, `quantize`) on input widened to F32.

/// The scale of a unit whose largest magnitude is `largest`: half the range of values over half the range of codes, and
/// F32's epsilon where that is 0.
#[must_use]
pub fn scale(largest: f32, bits: u32) -> f32 {
    let scale = largest / divisor(bits);
    if scale == 0.0 { f32::EPSILON } else { scale }
}

/// Half of the range of codes: 127.5 for 8 bits, 7.5 for 4.
#[must_use]
pub fn divisor(bits: u32) -> f32 {
    ((1_u32 << bits) - 1) as f32 / 2.0
}

/// The code of `x`: the quotient, rounded to F32, to the nearest integer (ties to even), clamped to the range.
#[must_use]
pub fn code(x: f32, scale: f32, bits: u32) -> i32 {
    let lowest = -(1_i32 << (bits - 1));
    ((x / scale).round_ties_even() as i32).clamp(lowest, -lowest - 1)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        assert_eq!(scale(7.5, 4), 1.0);
        assert_eq!(scale(0.0, 8), f32::EPSILON);
        assert_eq!([7.5, 6.5, 0.5, 1.5, -7.5, -0.5].map(|x| code(x, 1.0, 4)), [7, 6, 0, 2, -8, 0]);
        assert_eq!([127.5, 126.5, -127.5].map(|x| code(x, 1.0, 8)), [127, 126, -128]);
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
