//! F16: IEEE binary16.

use half::f16;

use super::{Block, Format, Range, Storage};

pub(super) const F16: Format = Format {
    family: "f16",
    nominal_bits: 16,
    storage: Storage::Block(Block { len: 1, bytes: 2, scale_bytes: 0, run_len: 16, encode, decode }),
    wgsl: "format/f16",
    range: Range::F16,
    holds_non_finite: true,
    picture: "| sign 1 | exponent 5 | fraction 10 |",
    source: "IEEE 754 round to nearest even; NaN made quiet, sign and upper payload kept (half)",
};

fn encode(x: &[f32], bytes: &mut [u8]) {
    bytes.copy_from_slice(&nearest(x[0]).to_le_bytes());
}

fn decode(bytes: &[u8], x: &mut [f32]) {
    x[0] = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
}

/// The F16 nearest to `x`, a tie going to the even one; what is beyond its range becomes infinite.
pub(super) fn nearest(x: f32) -> u16 {
    let (sign, size) = ((x.to_bits() >> 16) as u16 & 0x8000, x.to_bits() & 0x7fff_ffff);
    let exponent = size >> 23;
    // Bits to drop, and the bias of 127 turned into 15; below the normal numbers (2^-14), units of 2^-24.
    let (drop, mantissa, bias) = match exponent {
        255 if size > 0x7f80_0000 => return sign | 0x7e00 | (size >> 13) as u16 & 0x3ff,
        143.. => return sign | 0x7c00,
        113.. => (13, size, 112 << 10),
        102.. => (126 - exponent, size & 0x7f_ffff | 0x80_0000, 0),
        _ => return sign,
    };
    // Just under one half of the last place, and one more where the kept part is odd.
    let rounded = (mantissa + (1 << (drop - 1)) - 1 + (mantissa >> drop & 1)) >> drop;
    sign | (rounded - bias) as u16
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn differs_from_half(bits: u32) -> bool {
        let x = f32::from_bits(bits);
        nearest(x) != half::f16::from_f32(x).to_bits()
    }

    #[test]
    fn worked_by_hand() {
        assert_eq!(nearest(1.0), 0x3c00);
        assert_eq!(nearest(2049.0), 0x6800, "a tie goes to the even one");
        assert_eq!(nearest(65519.0), 0x7bff);
        assert_eq!(nearest(65520.0), 0x7c00, "overflow is infinity");
        assert_eq!(nearest(-0.0), 0x8000);
        assert_eq!(nearest(2.0_f32.powi(-25)), 0, "a tie goes to zero");
        assert_eq!(nearest(2.0_f32.powi(-25) * 1.001), 1);
    }

    #[test]
    fn equals_half_on_a_dense_sample() {
        let lower = [0, 1, 0xfff, 0x1000, 0x1001, 0x1fff, 0x2000, 0x7fff, 0x8000, 0xffff];
        let missed =
            (0..=u16::MAX).flat_map(|upper| lower.map(|low| (u32::from(upper) << 16) | low)).filter(|b| differs_from_half(*b));
        assert_eq!(missed.count(), 0);
    }

    /// All of them: seconds in a release build, which is where `scripts/test.sh` runs it.
    #[test]
    #[cfg(not(debug_assertions))]
    fn equals_half_on_all_inputs() {
        use rayon::prelude::*;
        assert_eq!((0..=u32::MAX).into_par_iter().filter(|b| differs_from_half(*b)).count(), 0);
    }
}
