//! What an adapter's floats do. The verdict informs and warns; it chooses nothing that could change a bit of a result.

use serde::Serialize;

use super::Gpu;
use crate::error::Result;

crate::params!(ProbeParams { unused });

/// What the adapter does where WGSL leaves it free.
#[derive(Clone, Debug, Serialize, PartialEq, Eq)]
#[non_exhaustive]
pub struct Numerics {
    /// Subnormal numbers survive arithmetic; otherwise they count as zero.
    pub keeps_subnormals: bool,
    /// `fma()` rounds once; otherwise it is a product and a sum.
    pub fused_fma: bool,
    /// `a * b - c` is contracted into one rounding although nobody asked.
    pub contracts: bool,
    /// `(a + b) - a` is rewritten to `b`.
    pub reassociates: bool,
    /// `x / y` is correctly rounded (on the sample).
    pub exact_division: bool,
    /// `x / 127.0` is turned into a product, which rounds differently.
    pub rewrites_constant_division: bool,
    /// `x != x` is true for NaN.
    pub sees_nan: bool,
    /// `round(2.5)` is 2.
    pub rounds_ties_to_even: bool,
}

impl Numerics {
    /// One line a person can read.
    #[must_use]
    pub fn verdict(&self) -> String {
        let mut notes = Vec::new();
        let mut note = |when: bool, text: &'static str| {
            if when {
                notes.push(text);
            }
        };
        note(!self.keeps_subnormals, "flushes subnormals");
        note(self.contracts, "contracts products and sums");
        note(self.reassociates, "reassociates sums");
        note(!self.exact_division, "divides inexactly");
        note(self.rewrites_constant_division, "divides by constants inexactly");
        note(!self.sees_nan, "does not see NaN in comparisons");
        note(!self.rounds_ties_to_even, "rounds ties away from even");
        if notes.is_empty() {
            return "IEEE throughout on the sample".into();
        }
        format!("{}; codes and scales are decided by integers, so none of it reaches them", notes.join(", "))
    }
}

const SUBNORMAL: u32 = 0x0000_1000;

pub(super) fn measure(gpu: &Gpu) -> Result<Numerics> {
    let u = f32::EPSILON;
    // 5 and 6 make a sum that loses 6; 7 / 8 is a quotient that a reciprocal and a product get wrong (found by search).
    let (numerator, denominator) = quotient_that_tells(0x4000_0001, 127.0);
    let mut operands = [0.0_f32; 16];
    operands[0] = f32::from_bits(SUBNORMAL);
    operands[1] = 0.5;
    operands[2] = 1.0 + u;
    operands[3] = 1.0 - u;
    operands[4] = 1.0;
    operands[5] = 1.0e8;
    operands[6] = 1.25;
    operands[7] = numerator;
    operands[8] = denominator;
    operands[9] = f32::NAN;
    operands[10] = 2.0;
    operands[11] = 2.5;

    let kernel = gpu.kernel::<ProbeParams>("probe/numerics", &[])?;
    let input = gpu.buffer::<f32>("scratch/probe", 16)?;
    let output = gpu.buffer::<f32>("scratch/probe", 16)?;
    let mut recording = gpu.record("the numerics probe");
    recording.upload(&input, 0, bytemuck::cast_slice(&operands));
    let windows = [("operands", input.window()), ("answers", output.window())];
    recording.dispatch(&kernel, &ProbeParams { unused: 0 }, &windows, 1)?;
    let answers = recording.download(&output, 0, 64);
    let a: Vec<f32> = recording.run()?.take_words(answers).into_iter().map(f32::from_bits).collect();

    Ok(Numerics {
        keeps_subnormals: a[1].to_bits() == SUBNORMAL / 2 && a[2] == 1.0,
        fused_fma: a[4] != 0.0,
        contracts: a[3] != 0.0,
        reassociates: a[5] == operands[6],
        exact_division: a[6] == numerator / denominator && a[8] == 1.0 / denominator,
        rewrites_constant_division: a[7] != numerator / 127.0,
        sees_nan: a[9] == 1.0,
        rounds_ties_to_even: a[11] == 2.0,
    })
}

/// The first number from `bits` on whose quotient by `denominator` differs from its product with the reciprocal.
fn quotient_that_tells(bits: u32, denominator: f32) -> (f32, f32) {
    let inverse = 1.0 / denominator;
    let found = (bits..).map(f32::from_bits).find(|x| x / denominator != x * inverse);
    (found.unwrap_or(1.0), denominator)
}
