//! Depths and weights in fixed point: how far a logit lies under the best one, and what share of the softmax that leaves it.
//! Shader: `sample/fixed.wgsl`.

use super::order::{INFINITE, logit};
use super::tables::tables;

/// The weight of the best token of a row.
#[cfg(test)]
pub(crate) const WHOLE: u64 = 1 << 45;
/// A depth, in 2^-32 of a bit (halving the weight is one bit); that of what lies too deep to be told apart is [`BOTTOM`].
pub(crate) type Depth = u64;
/// Deeper than any depth that is computed.
pub(crate) const BOTTOM: Depth = u64::MAX;

/// Drops of this many units and more are not told apart; they are 64 bits of depth at least.
const RANGE: u64 = 1 << 40;
/// Anchors of draws are multiples of so many units, which makes the depths under two of them differ by a constant.
const GRID: u64 = 1 << 37;

/// log2(e) / temperature, and the unit in which logits are counted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    /// The unit is 2 to this.
    pub unit: i32,
    /// 2^35 times the mantissa, which is in [1, 2): depth = drop factor / 2^37.
    pub factor: u64,
}

impl Scale {
    /// The scale of a positive finite temperature.
    pub(crate) fn of(temperature: f32) -> Self {
        // IEEE division: the same on every host.
        let bits = (std::f64::consts::LOG2_E / f64::from(temperature)).to_bits();
        let mantissa = (bits & ((1 << 52) - 1)) | 1 << 52;
        let exponent = (bits >> 52) as i32 - 1023;
        let factor = (mantissa + (1 << 16)) >> 17;
        if factor == 1 << 36 {
            return Self { unit: -35 - exponent, factor: 1 << 35 };
        }
        Self { unit: -34 - exponent, factor }
    }

    /// log2(e) / temperature, for estimates; 0 where that is subnormal, which devices may flush: then floats estimate nothing.
    pub(crate) fn rate(&self) -> f32 {
        // 2^-(34 + unit) times the mantissa.
        let rate = (self.factor as f64 / f64::from(1_u32 << 31) / 16.0 * f64::from(-34 - self.unit).exp2()) as f32;
        if rate < f32::MIN_POSITIVE { 0.0 } else { rate }
    }

    /// A logit counted in units, towards zero; none where neighbours are too far apart for two of them to matter.
    pub(crate) fn fixed(&self, key: u32) -> Fixed {
        let bits = logit(key).to_bits();
        let (exponent, fraction) = ((bits >> 23 & 255) as i32, u64::from(bits & 0x7f_ffff));
        let shift = exponent.max(1) - 150 - self.unit;
        let mantissa = if exponent == 0 { fraction } else { fraction | 0x80_0000 };
        let magnitude = match shift {
            _ if key == INFINITE => None,
            41.. => None,
            0..=40 => Some(mantissa << shift),
            _ => Some(mantissa >> (-shift).min(31)),
        };
        Fixed { key, negative: bits >> 31 == 1, magnitude }
    }

    /// The depth of a key under an anchor that is not lower.
    pub(crate) fn depth(&self, anchor: &Fixed, key: u32) -> Depth {
        match anchor.drop(&self.fixed(key)) {
            Some(drop) => ((u128::from(drop) * u128::from(self.factor)) >> 37) as Depth,
            None => BOTTOM,
        }
    }
}

/// A logit in units of a scale.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixed {
    key: u32,
    negative: bool,
    magnitude: Option<u64>,
}

impl Fixed {
    /// The next multiple of [`GRID`] that is not lower.
    pub(crate) fn raised(self) -> Self {
        let magnitude = self.magnitude.map(|m| if self.negative { m / GRID * GRID } else { m.div_ceil(GRID) * GRID });
        Self { magnitude, ..self }
    }

    fn drop(&self, lower: &Self) -> Option<u64> {
        let drop = match (self.magnitude, lower.magnitude) {
            (Some(a), Some(b)) if self.negative != lower.negative => a.checked_add(b)?,
            (Some(a), Some(b)) if self.negative => b.wrapping_sub(a),
            (Some(a), Some(b)) => a.wrapping_sub(b),
            // Neither is counted: they are the same or worlds apart.
            _ if self.key == lower.key => 0,
            _ => return None,
        };
        (drop < RANGE).then_some(drop)
    }
}

/// 2^45 2^-depth, to the nearest (halves up), within 2^-31 of itself; 0 from 47 on.
pub(crate) fn weight(depth: Depth) -> u64 {
    let whole = depth >> 32;
    if whole >= 47 {
        return 0;
    }
    let part = depth as u32;
    let [coarse, ..] = tables().powers[(part >> 24) as usize];
    let [_, fine, ..] = tables().powers[(part >> 16 & 255) as usize];
    // 1 - 2^-x for the last 16 bits: x ln 2, in 2^-40; and what both leave together.
    let finest = ((part & 0xffff) * 45_426) >> 8;
    let loss = fine + finest - (((fine >> 16) * (finest >> 8)) >> 16);
    let lost = ((u64::from(coarse) * u64::from(loss)) >> 32) + u64::from(loss >> 1);
    let full = ((u64::from(coarse) + (1 << 31)) << 13) - (lost << 5);
    if whole == 0 { full } else { (full + (1 << (whole - 1))) >> whole }
}

/// The deepest depth whose weight is at least `least`, found bit by bit from the top; none where no weight is.
pub(crate) fn depth_of_weight(least: u64) -> Option<Depth> {
    let fits = |depth| weight(depth) >= least;
    if least == 0 {
        return Some(BOTTOM);
    }
    fits(0).then(|| (0..38).rev().fold(0, |depth, bit| if fits(depth | 1 << bit) { depth | 1 << bit } else { depth }))
}

/// A share, in 2^-31.
pub(crate) type Share = u32;

/// A number in [0, 1] as a share; exact from 2^-7 on.
pub(crate) fn share(value: f64) -> Share {
    (value * f64::from(1_u32 << 31)).round() as Share
}

/// The least mass that is `share` of `mass`, or that is more than it.
pub(crate) fn portion(mass: u64, share: Share, more: bool) -> u64 {
    let product = u128::from(mass) * u128::from(share);
    if more { (product >> 31) as u64 + 1 } else { product.div_ceil(1 << 31) as u64 }
}

#[cfg(test)]
mod tests {
    use super::super::order::key;
    use super::*;

    fn real_depth(temperature: f32, high: f32, low: f32) -> f64 {
        (f64::from(high) - f64::from(low)) * std::f64::consts::LOG2_E / f64::from(temperature)
    }

    #[test]
    fn depths_are_within_their_unit() {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            ((state >> 40) as f32) / (1 << 24) as f32
        };
        for _ in 0..200_000 {
            let temperature = 1e-4 * 10f32.powf(next() * 6.0);
            let a = (next() - 0.5) * 100.0;
            let b = a - next() * temperature * 50.0;
            let scale = Scale::of(temperature);
            let depth = scale.depth(&scale.fixed(key(a)), key(b));
            let want = real_depth(temperature, a, b);
            if want < 63.0 {
                assert!(
                    (depth as f64 / 2f64.powi(32) - want).abs() < 2f64.powi(-32) + want * 2f64.powi(-36),
                    "{temperature} {a} {b}"
                );
            } else if want > 128.0 {
                assert_eq!(depth, BOTTOM, "{temperature} {a} {b}");
            }
        }
    }

    #[test]
    fn anchors_on_the_grid_differ_by_a_constant() {
        let scale = Scale::of(0.8);
        let near = scale.fixed(key(3.5)).raised();
        let far = scale.fixed(key(9.25)).raised();
        let difference = scale.depth(&far, key(2.0)) - scale.depth(&near, key(2.0));
        for low in [-4.0, -0.1, 0.0, 0.3, 1.999, 3.5] {
            assert_eq!(scale.depth(&far, key(low)) - scale.depth(&near, key(low)), difference);
        }
        assert!(scale.depth(&near, key(3.5)) >> 32 < 16);
    }

    #[test]
    fn weights_are_the_function() {
        assert_eq!(weight(0), WHOLE);
        assert_eq!(weight(1 << 32), WHOLE / 2);
        assert_eq!(weight(46 << 32), 1);
        assert_eq!([weight(47 << 32), weight(BOTTOM)], [0, 0]);
        let mut depth = 1_u64;
        while depth < 47 << 32 {
            let want = 2f64.powf(45.0 - depth as f64 / 2f64.powi(32));
            assert!((weight(depth) as f64 - want).abs() <= 0.5 + want * 2f64.powi(-31), "{depth}");
            depth += depth / 9973 + 48_271;
        }
    }

    #[test]
    fn the_depth_of_a_weight() {
        assert_eq!(depth_of_weight(WHOLE), Some(0));
        assert_eq!(depth_of_weight(WHOLE + 1), None);
        assert_eq!(depth_of_weight(0), Some(BOTTOM));
        for least in [1, 2, 1000, WHOLE / 3, WHOLE - 1] {
            let depth = depth_of_weight(least).unwrap();
            assert!(weight(depth) >= least && weight(depth + 1) < least, "{least}");
        }
    }

    #[test]
    fn portions_round_as_the_boundary_asks() {
        assert_eq!(share(0.5), 1 << 30);
        assert_eq!(portion(10, share(0.5), false), 5);
        assert_eq!(portion(10, share(0.5), true), 6);
        assert_eq!(portion(11, share(0.5), false), 6);
        assert_eq!(portion(11, share(0.5), true), 6);
        assert_eq!(portion(WHOLE, share(1.0), false), WHOLE);
    }
}
