//! Gumbel noise in fixed point: the largest of score + noise is a draw from the softmax of the scores. Shader: `sample/gumbel.wgsl`.

use super::tables::tables;

/// -log2(-log2(1 - v)), v = bits / 2^64, in 2^-24; within 2^-21 of the function. Where v is small the logarithm is taken of v itself,
/// so the tail is as fine as the 64 bits are. Below 2^-41 v counts as 2^-41 (a chance of 5e-13): the noise lies in [-6.1, 40.5].
pub(crate) fn gumbel(bits: u64) -> i32 {
    let [.., log_ratio, _] = *entry(0);
    debug_assert_eq!(log_ratio, 0);
    let bits = bits.max(1 << 23);
    if bits >> 63 == 0 {
        // -log2(v) - log2(-ln(1 - v) / v) - log2(log2(e))
        let (zeros, log) = log2(bits);
        let top = (bits >> 32) as u32;
        let [_, _, first, shape] = *entry((top >> 23) as usize);
        let ratio = first + along(top & 0x7f_ffff, shape >> 12, -((shape & 0xfff) as i32));
        ((zeros as i32 + 1) << 24) - log as i32 - ratio as i32 - LOG2_LOG2_E
    } else {
        // 1 - v is small: its logarithm lies between 1 and 64.
        let (zeros, log) = log2(!bits | 1);
        let depth = ((zeros + 1) << 24) - log;
        let (zeros, log) = log2(u64::from(depth) << 32);
        ((zeros as i32 - 7) << 24) - log as i32
    }
}

/// log2(log2(e)) in 2^-24.
const LOG2_LOG2_E: i32 = 8_871_228;

/// At least the noise of these bits, at once: a logarithm is not over that of the power of two above.
pub(crate) fn gumbel_bound(bits: u64) -> i32 {
    ((bits.leading_zeros().min(40) as i32 + 1) << 24) - LOG2_LOG2_E
}

fn entry(i: usize) -> &'static [u32; 4] {
    &tables().logarithms[i]
}

/// Leading zeros of a number, and the logarithm of what is left as a number in [1, 2), in 2^-24.
pub(crate) fn log2(value: u64) -> (u32, u32) {
    let zeros = value.leading_zeros();
    let mantissa = ((value << zeros) >> 32) as u32;
    let [first, shape, ..] = *entry((mantissa >> 23 & 255) as usize);
    (zeros, first + along(mantissa & 0x7f_ffff, shape >> 12, (shape & 0xfff) as i32))
}

/// The way from one entry towards the next, of which `part` in 2^-23 is gone: a chord and a parabola.
fn along(part: u32, rise: u32, bulge: i32) -> u32 {
    let t = part >> 8;
    let slope = rise as i32 + ((bulge * (0x8000 - t as i32)) >> 15);
    let (slope, rest) = (slope as u32, part & 0xff);
    (slope * t + (((slope >> 4) * rest) >> 4)) >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_the_function() {
        let mut worst: f64 = 0.0;
        let mut check = |bits: u64| {
            let v = (bits as f64 / 2f64.powi(64)).clamp(2f64.powi(-41), 1.0);
            let log = if bits >> 63 == 0 { -(-v).ln_1p() } else { -((!bits | 1) as f64 / 2f64.powi(64)).ln() };
            let want = -(log / std::f64::consts::LN_2).log2();
            let off = (f64::from(gumbel(bits)) / 2f64.powi(24) - want).abs();

            worst = worst.max(off);
        };
        let mut state = 1_u64;
        for i in 0..2_000_000_u64 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            check((state ^ state >> 29) >> (i % 41));
            check(!(state >> (i % 62)));
        }
        [0, 1, 1 << 23, (1 << 63) - 1, 1 << 63, u64::MAX].into_iter().for_each(&mut check);
        assert!(worst < 2f64.powi(-21), "off by 2^{}", worst.log2());
    }

    #[test]
    fn noise_falls_with_the_bits() {
        // The most and the least there is; a token 47 deeper than another never wins.
        assert!(gumbel(0) - gumbel(u64::MAX) < 47 << 24);
        let steps: Vec<i32> = (0..=4096_u64).map(|i| gumbel(i.saturating_mul(1 << 52))).collect();
        assert!(steps.windows(2).all(|pair| pair[0] >= pair[1]));
    }
}
