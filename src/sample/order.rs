//! The total order of a row's tokens: logit down, then token id up. Shader: `sample/order.wgsl`.

/// The key of a token that cannot be drawn: its logit is NaN or negative infinity, or it is masked.
pub(crate) const EXCLUDED: u32 = 0;
/// The key of positive infinity, the highest there is.
pub(crate) const INFINITE: u32 = 0xff80_0000;

/// A word that orders as the logit does: both zeros are one, NaN and negative infinity are [`EXCLUDED`].
pub(crate) fn key(logit: f32) -> u32 {
    let bits = logit.to_bits();
    if logit.is_nan() || logit == f32::NEG_INFINITY {
        EXCLUDED
    } else if logit == 0.0 {
        0x8000_0000
    } else if bits >> 31 == 0 {
        bits | 0x8000_0000
    } else {
        !bits
    }
}

/// The logit of a key.
pub(crate) fn logit(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 { key & 0x7fff_ffff } else { !key })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_as_logits_do() {
        let rising = [f32::MIN, -1.0, -f32::MIN_POSITIVE, -1e-45, 0.0, 1e-45, f32::MIN_POSITIVE, 1.0, f32::MAX, f32::INFINITY];
        for pair in rising.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        for x in rising {
            assert_eq!(logit(key(x)), x);
        }
        assert_eq!(key(-0.0), key(0.0));
        assert_eq!([key(f32::NAN), key(-f32::NAN), key(f32::NEG_INFINITY)], [EXCLUDED; 3]);
        assert!(key(f32::MIN) > EXCLUDED);
        assert_eq!(key(f32::INFINITY), INFINITE);
    }
}
