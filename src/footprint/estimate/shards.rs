//! How many GPUs training takes: the article's rule, and one shard counted exactly.

use serde::Serialize;

use super::activations::{saved_bytes, working_bytes};
use super::cache::logits;
use crate::block::{Attention, Recompute};
use crate::footprint::shape::{Shape, TensorShape};
use crate::train::Optimizer;

/// The article's rule: parameters x bytes a parameter x a factor / bytes of a GPU, not rounded. The article takes 18 and 1.25, parameters
/// in billions and GPU memory in decimal gigabytes.
///
/// It takes states to be sharded evenly (ZeRO-3) and activations to be a quarter of them, shared likewise; activations are each GPU's own.
#[must_use]
pub fn heuristic_gpus(parameters: u64, bytes_per_parameter: f64, factor: f64, gpu_bytes: u64) -> f64 {
    parameters as f64 * bytes_per_parameter * factor / gpu_bytes as f64
}

/// What one of several GPUs holds while it trains, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Shard {
    /// Its part of weights, gradients and optimizer states.
    pub states: u64,
    /// Activations of its own batch, all layers.
    pub activations: u64,
    /// What the backward pass of one layer works with: gradients on their way, and what is computed again.
    pub working: u64,
    /// Logits of its own batch in F32, in which their gradient takes their place.
    pub logits: u64,
    /// The weights of the two largest gatherings at once (the one at work and the next; a layer, the embedding or the head) and the gradients
    /// of one; 0 for a single GPU.
    pub gathered: u64,
}

impl Shard {
    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.states + self.activations + self.working + self.logits + self.gathered
    }
}

/// A training job of which each GPU has `batch` sequences of `tokens` tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The optimizer; its weights' type is that of the activations.
    pub optimizer: Optimizer,
    /// Sequences on each GPU.
    pub batch: u64,
    /// Tokens of each.
    pub tokens: u64,
    /// How attention is computed.
    pub attention: Attention,
    /// What is computed again.
    pub recompute: Recompute,
}

/// What each of `gpus` GPUs holds where weights, gradients and optimizer states are sharded (ZeRO stage 3, Rajbhandari et al. 2020,
/// section 5).
///
/// Assumes that each kind of state is one flat array, cut evenly and rounded up; that one layer is gathered ahead; and that nothing is
/// offloaded. Fragmentation and what a framework needs for itself are not in it.
#[must_use]
pub fn shard(shape: &Shape, job: &Job, gpus: u64) -> Shard {
    let part = |bytes: u64| bytes.div_ceil(gpus.max(1));
    let all = job.optimizer.states(shape.tensors.iter().map(TensorShape::elements));
    let states = [all.weights, all.gradients, all.master, all.first, all.second, all.scales].map(part).iter().sum();
    let of_one = job.optimizer.state(1);
    let outside = shape.tensors.iter().filter(|tensor| tensor.layer.is_none()).map(TensorShape::elements);
    let largest = shape.by_layer().into_iter().chain(outside).max().unwrap_or(0);
    Shard {
        states,
        activations: saved_bytes(shape, job.batch, job.tokens, of_one.weights, job.attention, job.recompute),
        working: working_bytes(shape, job.batch, job.tokens, of_one.weights, job.attention, job.recompute),
        logits: logits(job.batch * job.tokens, shape.vocab, 4),
        gathered: if gpus > 1 { largest * (2 * of_one.weights + of_one.gradients) } else { 0 },
    }
}

/// The fewest GPUs of so many bytes on each of which a shard fits; none where what cannot be sharded is too much already.
#[must_use]
pub fn fewest_gpus(shape: &Shape, job: &Job, gpu_bytes: u64) -> Option<u64> {
    let fits = |gpus: u64| shard(shape, job, gpus).total() <= gpu_bytes;
    if fits(1) {
        return Some(1);
    }
    // From two on a shard only shrinks.
    let (mut low, mut high) = (1, 2);
    while !fits(high) {
        if high >= 1 << 40 {
            return None;
        }
        (low, high) = (high, high * 2);
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) { high = middle } else { low = middle }
    }
    Some(high)
}
