//! The values that a moment of 8 bits may have, as shares of the largest in its block.
//!
//! Source: Dettmers, Lewis, Shleifer, Zettlemoyer 2022, section 2.2 (dynamic tree quantization): decades from 1e-6 to 1, each divided twice as finely as the
//! one below; compared with bitsandbytes' own table in the tests.

/// Which of the two tables: of both signs, for first moments.
pub const SIGNED: bool = true;
/// Of one sign, for second moments.
pub const UNSIGNED: bool = false;

/// 256 values in rising order, from -1 or 0 to 1.
#[must_use]
pub fn codebook(signed: bool) -> [f32; 256] {
    let mut values = vec![0.0_f32, 1.0];
    for decade in 0..7 {
        let bins: i32 = if signed { 1 << decade } else { 2 << decade };
        // From both ends towards the middle, each a fused product and sum in F32: so PyTorch's `linspace` makes the table of bitsandbytes.
        let step = (1.0_f32 - 0.1) / bins as f32;
        let boundary = |i: i32| {
            if i < (bins + 1) / 2 { step.mul_add(i as f32, 0.1) } else { (-step).mul_add((bins - i) as f32, 1.0) }
        };
        for i in 0..bins {
            let middle = (boundary(i) + boundary(i + 1)) / 2.0;
            let value = 10_f64.powi(decade - 6) as f32 * middle;
            values.push(value);
            if signed {
                values.push(-value);
            }
        }
    }
    values.sort_by(f32::total_cmp);
    let mut table = [0.0; 256];
    table.copy_from_slice(&values);
    table
}

/// The code of the value nearest to `share`: how many midpoints between neighbours lie below it.
pub(super) fn code(table: &[f32; 256], share: f32) -> u8 {
    let (mut low, mut high) = (0, 255);
    // The first neighbour pair whose midpoint is not below the share.
    while low < high {
        let middle = (low + high) / 2;
        if (table[middle] + table[middle + 1]) * 0.5 < share { low = middle + 1 } else { high = middle }
    }
    low as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_nearest_values() {
        for signed in [SIGNED, UNSIGNED] {
            let table = codebook(signed);
            assert!(table.is_sorted_by(|a, b| a < b));
            assert_eq!((table[255], table.contains(&0.0)), (1.0, true));
            for (i, value) in table.iter().enumerate() {
                assert_eq!(usize::from(code(&table, *value)), i);
            }
            for i in 0..2000 {
                let share = (i as f32 / 1000.0 - 1.0).max(if signed { -1.0 } else { 0.0 });
                let best = table.iter().map(|v| (v - share).abs()).fold(f32::INFINITY, f32::min);
                let got = (table[usize::from(code(&table, share))] - share).abs();
                assert!(got <= best * (1.0 + 1e-5), "{share}: {got}, {best}");
            }
        }
    }
}
