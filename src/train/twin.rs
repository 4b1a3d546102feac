//! Steps of an optimizer in plain Rust, on values stored as the device stores them.

use half::bf16;

use super::codebook::{SIGNED, UNSIGNED, code, codebook};
use super::optimizer::{BLOCK_LEN, Hyper, Optimizer, Step};
use crate::sample::philox;

/// A tensor and its optimizer's states. Values are f32; those that are stored in BF16 or in 8 bits are what such storage holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Twin {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// The weights that the forward pass reads.
    pub weights: Vec<f32>,
    /// Master weights, where there are some.
    pub master: Vec<f32>,
    /// First moments.
    pub first: Vec<f32>,
    /// Second moments.
    pub second: Vec<f32>,
    /// Steps so far.
    pub steps: u32,
}

/// Which of a parameter's values random bits are for: word of a call of the generator, by the element's place in its pair.
const WEIGHT: usize = 0;
const FIRST: usize = 1;
const SECOND: usize = 2;

impl Twin {
    /// Nothing has been learned yet.
    #[must_use]
    pub fn new(optimizer: Optimizer, weights: &[f32]) -> Self {
        let [bytes, _, master, _, second] = optimizer.element_bytes();
        let round = |x: &f32| if bytes == 2 { bf16::from_f32(*x).to_f32() } else { *x };
        let stored: Vec<f32> = weights.iter().map(round).collect();
        let zeros = vec![0.0; weights.len()];
        Self {
            optimizer,
            master: if master > 0 { weights.to_vec() } else { vec![] },
            first: zeros.clone(),
            second: if second > 0 { zeros } else { vec![] },
            weights: stored,
            steps: 0,
        }
    }

    /// Takes a step.
    ///
    /// # Panics
    /// Where there are not as many gradients as weights.
    pub fn step(&mut self, gradients: &[f32], hyper: &Hyper) {
        assert_eq!(gradients.len(), self.weights.len(), "a gradient for each weight");
        self.steps += 1;
        let step = Step::of(self.optimizer, hyper, self.steps);
        let half_gradients = self.optimizer.element_bytes()[1] == 2;
        for (i, gradient) in gradients.iter().enumerate() {
            let gradient = if half_gradients { bf16::from_f32(*gradient).to_f32() } else { *gradient };
            let weight = if self.master.is_empty() { self.weights[i] } else { self.master[i] };
            let second = self.second.get(i).copied().unwrap_or(0.0);
            let (weight, first, second) = self.updated(&step, weight, gradient, self.first[i], second);
            if self.optimizer == Optimizer::AdamwBf16 {
                let random = |of: usize| random_bits(hyper.seed, self.steps, i, of);
                self.weights[i] = stochastic(weight, random(WEIGHT));
                self.first[i] = stochastic(first, random(FIRST));
                self.second[i] = stochastic(second, random(SECOND));
                continue;
            }
            if self.master.is_empty() {
                self.weights[i] = weight;
            } else {
                self.master[i] = weight;
                self.weights[i] = bf16::from_f32(weight).to_f32();
            }
            self.first[i] = first;
            if let Some(place) = self.second.get_mut(i) {
                *place = second;
            }
        }
        if self.optimizer == Optimizer::Adamw8bit {
            coded(&mut self.first, &codebook(SIGNED));
            coded(&mut self.second, &codebook(UNSIGNED));
        }
    }

    /// Loshchilov & Hutter 2019, algorithm 2, in the order of PyTorch's AdamW; or momentum.
    fn updated(&self, step: &Step, weight: f32, gradient: f32, first: f32, second: f32) -> (f32, f32, f32) {
        if self.optimizer == Optimizer::SgdMomentum {
            let gradient = gradient + step.keep * weight;
            let first = step.beta1 * first + step.part1 * gradient;
            return (weight - step.size * first, first, second);
        }
        let first = step.beta1 * first + step.part1 * gradient;
        let second = step.beta2 * second + step.part2 * gradient * gradient;
        let weight = weight * step.keep - step.size * first / (second.sqrt() / step.root + step.epsilon);
        (weight, first, second)
    }
}

/// The 16 random bits of one of an element's values: halves of words of a call that two neighbours share.
fn random_bits(seed: u64, step: u32, element: usize, of: usize) -> u32 {
    let words = philox([(element / 2) as u32, step, 0, 0], [seed as u32, (seed >> 32) as u32]);
    words[of] >> (16 * (element % 2)) & 0xffff
}

/// BF16 with random bits added where they are cut off: up with the probability that the part cut off has. NaN stays NaN.
fn stochastic(value: f32, random: u32) -> f32 {
    if value.is_nan() {
        return value;
    }
    f32::from_bits(value.to_bits().wrapping_add(random) & 0xffff_0000)
}

/// What 8 bits hold of values, a block at a time.
fn coded(values: &mut [f32], table: &[f32; 256]) {
    for block in values.chunks_mut(BLOCK_LEN as usize) {
        let largest = block.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
        let inverse = if largest > 0.0 { 1.0 / largest } else { 0.0 };
        block.iter_mut().for_each(|x| *x = table[usize::from(code(table, *x * inverse))] * largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stochastic_rounding_is_right_on_the_average() {
        let value = 1.0 + 0.25 / 128.0;
        let up = (0..65_536).filter(|random| stochastic(value, *random) > 1.0).count();
        assert_eq!(up, 65_536 / 4, "a quarter of the way to the next");
        assert!(stochastic(f32::NAN, 5).is_nan());
    }
}
