//! BF16: the upper 16 bits of an F32, rounded to nearest even.

use super::{Block, Format, Range, Storage};

pub(super) const BF16: Format = Format {
    family: "bf16",
    nominal_bits: 16,
    storage: Storage::Block(Block { len: 1, bytes: 2, scale_bytes: 0, run_len: 16, encode, decode }),
    wgsl: "format/bf16",
    range: Range::F32,
    holds_non_finite: true,
    picture: "| sign 1 | exponent 8 | fraction 7 |",
    source: "IEEE 754 round to nearest even; NaN made quiet, sign and upper payload kept (ggml, half)",
};

fn encode(x: &[f32], bytes: &mut [u8]) {
    bytes.copy_from_slice(&nearest(x[0]).to_le_bytes());
}

fn decode(bytes: &[u8], x: &mut [f32]) {
    x[0] = f32::from_bits(u32::from(u16::from_le_bytes([bytes[0], bytes[1]])) << 16);
}

/// The BF16 nearest to `x`, a tie going to the even one.
pub(super) fn nearest(x: f32) -> u16 {
    let bits = x.to_bits();
    if x.is_nan() {
        return ((bits >> 16) | 0x40) as u16;
    }
    // Just under one half of the last place, and one more where the kept part is odd.
    ((bits + 0x7fff + ((bits >> 16) & 1)) >> 16) as u16
}

#[cfg(test)]
mod tests {
    use super::nearest;

    fn differs_from_half(bits: u32) -> bool {
        let x = f32::from_bits(bits);
        nearest(x) != half::bf16::from_f32(x).to_bits()
    }

    #[test]
    fn worked_by_hand() {
        assert_eq!(nearest(1.0), 0x3f80);
        assert_eq!(nearest(f32::from_bits(0x3f80_8000)), 0x3f80, "a tie goes to the even one below");
        assert_eq!(nearest(f32::from_bits(0x3f81_8000)), 0x3f82, "a tie goes to the even one above");
        assert_eq!(nearest(f32::MAX), 0x7f80, "overflow is infinity");
        assert_eq!(nearest(-0.0), 0x8000);
        assert_eq!(nearest(f32::from_bits(1)), 0);
    }

    #[test]
    fn equals_half_on_a_dense_sample() {
        // Every upper half with the lower halves at which rounding turns.
        let lower = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff];
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
