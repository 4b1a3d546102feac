//! Logarithms of probabilities, by integers so that every device gives the same ones. Shader: `sample/logprob.wgsl`.

use super::fixed::{BOTTOM, Depth};
use super::gumbel::log2;

/// 2^32 ln 2.
const LN_2: u64 = 0xb172_17f8;

/// The natural logarithm of the share that a weight of a depth has in a mass, to 2^-22; negative infinity where the depth has no end.
pub(crate) fn log_probability(depth: Depth, mass: u64) -> f32 {
    if depth == BOTTOM || mass == 0 {
        return f32::NEG_INFINITY;
    }
    let (zeros, log) = log2(mass);
    // Both in 2^-24 of a bit; a weight is never more than its mass.
    let over = (18 - zeros as i32) * (1 << 24) + log as i32;
    let bits = ((depth >> 8) as i32 + over).max(0);
    let nats = (bits as u64 * LN_2) >> 32;
    -(nats as f32 * 2f32.powi(-24))
}

#[cfg(test)]
mod tests {
    use super::super::fixed::{WHOLE, weight};
    use super::*;

    #[test]
    fn it_is_the_logarithm() {
        for depth in [0_u64, 1 << 30, 7 << 31, 40 << 32, (60 << 32) + 12345] {
            for mass in [WHOLE, WHOLE + 1, 3 * WHOLE / 2, WHOLE << 10, WHOLE << 18, WHOLE / 7] {
                let want = -(depth as f64 / 2f64.powi(32) + (mass as f64 / WHOLE as f64).log2()) * std::f64::consts::LN_2;
                let got = f64::from(log_probability(depth, mass));
                let off = (got - want.min(0.0)).abs();
                assert!(off < 2f64.powi(-22) + got.abs() * 2f64.powi(-24), "{depth} {mass}: {got} {want}");
            }
        }
        assert_eq!(log_probability(BOTTOM, WHOLE), f32::NEG_INFINITY);
        assert_eq!(weight(0), WHOLE);
    }
}
