//! The optimizers: what they keep of each parameter, in bytes, and the numbers that steer them.

use serde::{Deserialize, Serialize};

/// Values that share a scale where moments have 8 bits (Dettmers et al. 2022: "8-bit Optimizers via Block-wise Quantization", whose
/// code has 256 since bitsandbytes 0.45).
pub const BLOCK_LEN: u64 = 256;
/// Bytes of such a scale, an F32.
pub const SCALE_BYTES: u64 = 4;

/// An optimizer and the types of what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// AdamW, all in F32: 4 + 4 + 8 = 16 bytes a parameter.
    AdamwF32,
    /// AdamW, BF16 weights and gradients, F32 master weights and moments: 2 + 2 + 12 = 16 (ZeRO, Rajbhandari et al. 2020, K = 12).
    AdamwMixed,
    /// The same with gradients in F32, as Megatron-LM accumulates them: 2 + 4 + 12 = 18.
    #[serde(rename = "adamw-mixed-f32grad")]
    AdamwMixedF32Grad,
    /// AdamW, all in BF16, rounded stochastically: 2 + 2 + 4 = 8.
    AdamwBf16,
    /// AdamW in F32 with moments of 8 bits in blocks that share a scale (Dettmers et al. 2022): 4 + 4 + 2 (1 + 4/256) = 10.03125.
    #[serde(rename = "adamw-8bit")]
    Adamw8bit,
    /// Stochastic gradient descent with momentum, in F32: 4 + 4 + 4 = 12.
    SgdMomentum,
}

/// Every optimizer.
pub const OPTIMIZERS: [Optimizer; 6] = [
    Optimizer::AdamwF32,
    Optimizer::AdamwMixed,
    Optimizer::AdamwMixedF32Grad,
    Optimizer::AdamwBf16,
    Optimizer::Adamw8bit,
    Optimizer::SgdMomentum,
];

/// Bytes that training keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TrainingState {
    /// The weights that the forward pass reads.
    pub weights: u64,
    /// Gradients.
    pub gradients: u64,
    /// Master weights.
    pub master: u64,
    /// First moments, or the momentum.
    pub first: u64,
    /// Second moments.
    pub second: u64,
    /// Scales of moments in 8 bits.
    pub scales: u64,
}

impl TrainingState {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.weights + self.gradients + self.optimizer()
    }

    /// What the optimizer keeps beside weights and gradients: master weights, moments, scales.
    #[must_use]
    pub fn optimizer(&self) -> u64 {
        self.master + self.first + self.second + self.scales
    }

    /// Its parts by name.
    #[must_use]
    pub fn parts(&self) -> [(&'static str, u64); 6] {
        [
            ("weights", self.weights),
            ("gradients", self.gradients),
            ("master", self.master),
            ("first", self.first),
            ("second", self.second),
            ("scales", self.scales),
        ]
    }

    fn add(mut self, other: Self) -> Self {
        self.weights += other.weights;
        self.gradients += other.gradients;
        self.master += other.master;
        self.first += other.first;
        self.second += other.second;
        self.scales += other.scales;
        self
    }
}

impl Optimizer {
    /// Its name, as the command line has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AdamwF32 => "adamw-f32",
            Self::AdamwMixed => "adamw-mixed",
            Self::AdamwMixedF32Grad => "adamw-mixed-f32grad",
            Self::AdamwBf16 => "adamw-bf16",
            Self::Adamw8bit => "adamw-8bit",
            Self::SgdMomentum => "sgd-momentum",
        }
    }

    /// The optimizer of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        OPTIMIZERS.into_iter().find(|optimizer| optimizer.name() == name)
    }

    /// Bytes of a weight, a gradient, a master weight, and of each of two moments.
    pub(super) fn element_bytes(self) -> [u64; 5] {
        match self {
            Self::AdamwF32 => [4, 4, 0, 4, 4],
            Self::AdamwMixed => [2, 2, 4, 4, 4],
            Self::AdamwMixedF32Grad => [2, 4, 4, 4, 4],
            Self::AdamwBf16 => [2, 2, 0, 2, 2],
            Self::Adamw8bit => [4, 4, 0, 1, 1],
            Self::SgdMomentum => [4, 4, 0, 4, 0],
        }
    }

    /// What is kept of one tensor of so many elements. Blocks of 8-bit moments begin anew with each tensor.
    ///
    /// bitsandbytes keeps tensors of fewer than 4,096 elements at 32 bits; here all have blocks.
    #[must_use]
    pub fn state(self, elements: u64) -> TrainingState {
        let [weight, gradient, master, first, second] = self.element_bytes();
        let scales = if self == Self::Adamw8bit { 2 * elements.div_ceil(BLOCK_LEN) * SCALE_BYTES } else { 0 };
        TrainingState {
            weights: weight * elements,
            gradients: gradient * elements,
            master: master * elements,
            first: first * elements,
            second: second * elements,
            scales,
        }
    }

    /// The buffers of one tensor in training, by label and in the order in which [`super::Trained`] makes them: each part is rounded up to
    /// 16 bytes, because kernels take whole vectors.
    #[must_use]
    pub fn buffers(self, class: &str, name: &str, elements: u64) -> Vec<(String, u64)> {
        let state = self.state(elements);
        let kept = state.parts().into_iter().skip(2).filter(|(_, bytes)| *bytes > 0);
        let mut buffers: Vec<(String, u64)> = kept.map(|(part, bytes)| (format!("optimizer/{name}.{part}"), bytes)).collect();
        buffers.push((format!("{class}/{name}"), state.weights));
        buffers.push((format!("gradient/{name}"), state.gradients));
        if self == Self::Adamw8bit {
            buffers.push((format!("scratch/{name}.codebooks"), 2048));
        }
        buffers.into_iter().map(|(label, bytes)| (label, bytes.next_multiple_of(16))).collect()
    }

    /// The same of many tensors.
    pub fn states(self, tensors: impl IntoIterator<Item = u64>) -> TrainingState {
        tensors.into_iter().map(|elements| self.state(elements)).fold(TrainingState::default(), TrainingState::add)
    }

    /// Bytes a parameter, where tensors are whole blocks.
    #[must_use]
    pub fn bytes_per_parameter(self) -> f64 {
        self.state(BLOCK_LEN).total() as f64 / BLOCK_LEN as f64
    }
}

/// The numbers that steer a step. The defaults are those of PyTorch's AdamW; `momentum` is used by [`Optimizer::SgdMomentum`] alone.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hyper {
    /// Learning rate.
    pub rate: f32,
    /// Decay of the first moment.
    pub beta1: f32,
    /// Decay of the second moment.
    pub beta2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Weight decay.
    pub decay: f32,
    /// Momentum.
    pub momentum: f32,
    /// Seed of the random bits that stochastic rounding takes.
    pub seed: u64,
}

impl Default for Hyper {
    fn default() -> Self {
        Self { rate: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.01, momentum: 0.9, seed: 0 }
    }
}

/// What a step does to a parameter, as kernel and twin are given it: the corrections of step `number` (from 1) are the host's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    /// What is left of a weight: 1 - rate x decay.
    pub keep: f32,
    pub beta1: f32,
    pub beta2: f32,
    /// What of a gradient goes into each moment: 1 - beta.
    pub part1: f32,
    pub part2: f32,
    pub epsilon: f32,
    /// rate / (1 - beta1^number), or the rate.
    pub size: f32,
    /// sqrt(1 - beta2^number).
    pub root: f32,
}

impl Step {
    /// Source: PyTorch 2's `torch.optim.AdamW` and `torch.optim.SGD` (without dampening), which correct in f64.
    pub(super) fn of(optimizer: Optimizer, hyper: &Hyper, number: u32) -> Self {
        let (rate, decay) = (f64::from(hyper.rate), f64::from(hyper.decay));
        let correction = |beta: f32| 1.0 - f64::from(beta).powi(number as i32);
        let part = |beta: f32| (1.0 - f64::from(beta)) as f32;
        if optimizer == Optimizer::SgdMomentum {
            return Self {
                keep: hyper.decay,
                beta1: hyper.momentum,
                // The first step takes the gradient for the momentum, which is 0 then.
                part1: 1.0,
                beta2: 0.0,
                part2: 0.0,
                epsilon: 0.0,
                size: hyper.rate,
                root: 1.0,
            };
        }
        Self {
            keep: (1.0 - rate * decay) as f32,
            beta1: hyper.beta1,
            beta2: hyper.beta2,
            part1: part(hyper.beta1),
            part2: part(hyper.beta2),
            epsilon: hyper.epsilon,
            size: (rate / correction(hyper.beta1)) as f32,
            root: correction(hyper.beta2).sqrt() as f32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_a_parameter() {
        let bytes = OPTIMIZERS.map(Optimizer::bytes_per_parameter);
        assert_eq!(bytes, [16.0, 16.0, 18.0, 8.0, 10.03125, 12.0]);
        assert_eq!(Optimizer::Adamw8bit.state(257).scales, 16, "two blocks, two moments");
        assert_eq!(OPTIMIZERS.map(|o| Optimizer::named(o.name())), OPTIMIZERS.map(Some));
    }
}
