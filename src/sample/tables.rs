//! Tables of powers and logarithms, made by integers alone so that every machine makes the same ones.

use std::sync::OnceLock;

/// Entries of each table.
pub(crate) const ENTRIES: usize = 256;

/// What the shaders look up, as they lie in uniform buffers.
#[derive(Debug)]
pub(crate) struct Tables {
    /// For 2^-x, x in steps of 1/256: 2^32 2^-x - 2^31; in steps of 1/65536: 2^40 (1 - 2^-x).
    pub powers: [[u32; 4]; ENTRIES],
    /// For log2(1 + i/256): value, and rise << 12 | bulge; for log2(-ln(1 - v) / v), v = i/512, the same two. All in 2^-24; the
    /// rise is to the next entry, the bulge is four times what the middle lies above (logarithm) or below (the other) the chord.
    pub logarithms: [[u32; 4]; ENTRIES],
}

/// The tables, made once.
pub(crate) fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| Tables { powers: powers(), logarithms: logarithms() })
}

/// One in the fixed point of this file.
const ONE: u128 = 1 << 62;

fn product(a: u128, b: u128) -> u128 {
    (a * b + (ONE >> 1)) >> 62
}

/// 2^-(1 / 2^n).
fn root_of_half(n: u32) -> u128 {
    let mut value = ONE >> 1;
    for _ in 0..n {
        value = (value << 62).isqrt();
    }
    value
}

/// 2^-(i / 2^bits).
fn power(i: u32, bits: u32) -> u128 {
    (1..=bits).filter(|n| i >> (bits - n) & 1 == 1).fold(ONE, |value, n| product(value, root_of_half(n)))
}

fn powers() -> [[u32; 4]; ENTRIES] {
    std::array::from_fn(|i| {
        let coarse = (power(i as u32, 8) + (1 << 29)) >> 30;
        let fine = (ONE - power(i as u32, 16) + (1 << 21)) >> 22;
        [(coarse - (1 << 31)) as u32, fine as u32, 0, 0]
    })
}

/// log2 of a number in [1, 2) with 48 bits behind the point, by squaring it again and again.
fn log2(mut x: u128) -> u64 {
    let mut log = 0;
    for _ in 0..48 {
        x = product(x, x);
        log <<= 1;
        if x >= 2 * ONE {
            x >>= 1;
            log |= 1;
        }
    }
    log
}

/// log2(-ln(1 - v) / v) for v = i / 1024 up to 1/2, with 48 bits behind the point.
fn log_of_ratio(i: u128) -> u64 {
    // -ln(1 - v) / v = 1 + v/2 + v^2/3 + ...; v^60 is under 2^-60.
    let v = ONE * i / 1024;
    let mut term = ONE;
    let mut sum = ONE;
    for n in 2..64 {
        term = product(term, v);
        sum += term / n;
    }
    log2(sum)
}

fn logarithms() -> [[u32; 4]; ENTRIES] {
    let rounded = |log: u64| ((log + (1 << 23)) >> 24) as u32;
    let entry = |first: u32, middle: u32, next: u32| {
        let rise = next - first;
        [first, (rise << 12) | ((2 * middle).abs_diff(first + next) * 2)]
    };
    let log = |i: usize| if i == 512 { 1 << 24 } else { rounded(log2(ONE + ONE / 512 * i as u128)) };
    let ratio = |i: usize| rounded(log_of_ratio(i as u128));
    std::array::from_fn(|i| {
        let [a, b] = entry(log(2 * i), log(2 * i + 1), log(2 * i + 2));
        let [c, d] = entry(ratio(2 * i), ratio(2 * i + 1), ratio(2 * i + 2));
        [a, b, c, d]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_the_functions() {
        for (i, [coarse, fine, ..]) in tables().powers.iter().enumerate() {
            let x = i as f64;
            let coarse = (f64::from(*coarse) + 2f64.powi(31)) / 2f64.powi(32);
            assert!((coarse - (-x / 256.0).exp2()).abs() <= 2f64.powi(-33) * 1.001, "{i}");
            let fine = f64::from(*fine) / 2f64.powi(40);
            assert!((fine + (-x / 65536.0).exp2() - 1.0).abs() <= 2f64.powi(-41) * 1.01, "{i}");
        }
        for (i, [log, _, ratio, _]) in tables().logarithms.iter().enumerate() {
            let x = i as f64;
            assert!((f64::from(*log) / 2f64.powi(24) - (1.0 + x / 256.0).log2()).abs() <= 2f64.powi(-25) * 1.01, "{i}");
            let v = x / 512.0;
            let want = if i == 0 { 0.0 } else { (-(-v).ln_1p() / v).log2() };
            assert!((f64::from(*ratio) / 2f64.powi(24) - want).abs() <= 2f64.powi(-25) * 1.01, "{i}");
        }
    }
}
