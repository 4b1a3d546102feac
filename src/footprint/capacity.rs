//! What fits in a memory: precisions, the largest batch and context, and how many GPUs training takes.

use serde::Serialize;

use super::estimate::{
    Ground, Job, MOST_TOKENS, Need, STAGING, Serving, Storing, fewest_gpus, heuristic_gpus, learning_needs, requested,
    serving_needs, shard,
};
use super::shape::Shape;
use crate::block::{Attention, Recompute};
use crate::format::Format;
use crate::train::Optimizer;

/// No search goes further, in sequences or in tokens.
const MOST: u64 = 1 << 24;
/// What a training process keeps beside a shard: staging, wgpu's own buffers, and a block that is not full.
const BESIDE: u64 = STAGING + (1 << 20) + (64 << 20);

/// A way to train: how attention is computed, and what is computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What it is called.
    pub name: &'static str,
    attention: Attention,
    recompute: Recompute,
}

impl Way {
    /// The job of a GPU that trains so.
    #[must_use]
    pub fn job(&self, optimizer: Optimizer, [batch, tokens]: [u64; 2]) -> Job {
        Job { optimizer, batch, tokens, attention: self.attention, recompute: self.recompute }
    }
}

/// The ways, with less and less kept.
pub const WAYS: [Way; 3] = [
    Way { name: "naive attention", attention: Attention::Naive, recompute: Recompute::None },
    Way { name: "flash attention", attention: Attention::Flash, recompute: Recompute::None },
    Way { name: "all computed again", attention: Attention::Flash, recompute: Recompute::Full },
];

/// A memory, and what is known of the device that has it.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Bytes.
    pub bytes: u64,
    /// The largest buffer.
    pub max_buffer: u64,
    /// Where its allocator would look.
    pub ground: Ground,
}

/// One way to do a job, and whether it fits.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Fit {
    /// The precision, or what is computed again.
    pub name: String,
    /// Bytes of weights (all that is not listed beside it).
    pub weights: u64,
    /// Bytes of the cache of keys and values.
    pub kv_cache: u64,
    /// Bytes of gradients and of the optimizer's states.
    pub states: u64,
    /// Bytes of activations that are kept.
    pub activations: u64,
    /// Bytes of logits, of the sampler, and of a step's scratch.
    pub buffers: u64,
    /// All of it: bytes asked for.
    pub requested: u64,
    /// Bytes that wgpu would reserve for it, with its own buffers and 32 MiB of staging.
    pub reserved: u64,
    /// Whether that is no more than the memory.
    pub fits: bool,
    /// The largest batch at the context that was asked for; 0 where not even one fits.
    pub largest_batch: u64,
    /// The largest context at the batch that was asked for, up to the positions that the model was made for (or the context that was
    /// asked for, where that is more); 0 where not even one token fits.
    pub largest_context: u64,
}

/// How many GPUs training takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Gpus {
    /// The optimizer.
    pub optimizer: Optimizer,
    /// By the article's rule, 18 x 1.25 bytes a parameter, not rounded.
    pub rule: f64,
    /// By the optimizer's own bytes a parameter, times 1.25.
    pub rule_of_optimizer: f64,
    /// The fewest whose shard fits, where all activations are kept; none where what is not shared is too much already.
    pub shard: Option<u64>,
    /// The bytes of that shard.
    pub shard_bytes: Option<u64>,
    /// The same where all activations are computed again.
    pub recomputed: Option<u64>,
    /// The bytes of that shard.
    pub recomputed_bytes: Option<u64>,
}

impl Memory {
    /// Bytes that a list of buffers would reserve.
    #[must_use]
    pub fn reserved(&self, needs: &[Need]) -> u64 {
        self.ground.reserved(needs)
    }

    fn fit(&self, name: String, shape: &Shape, [batch, context]: [u64; 2], needs: &dyn Fn(u64, u64) -> Vec<Need>) -> Fit {
        let list = needs(batch, context);
        let of = |class: &str| requested(&list, Some(class));
        let (kv_cache, activations) = (of("kv_cache"), of("activation"));
        let (states, buffers) = (of("gradient") + of("optimizer"), of("logits") + of("sampling") + of("scratch"));
        let all = requested(&list, None);
        let reserved = self.reserved(&list);
        let asked = |batch: u64, context: u64| {
            let countable = batch.saturating_mul(context) <= MOST_TOKENS;
            countable && requested(&needs(batch, context), None) <= self.bytes
        };
        let fits = |batch: u64, context: u64| asked(batch, context) && self.reserved(&needs(batch, context)) <= self.bytes;
        let positions = shape.positions.unwrap_or(MOST).max(context);
        Fit {
            name,
            weights: all - kv_cache - states - activations - buffers,
            kv_cache,
            states,
            activations,
            buffers,
            requested: all,
            reserved,
            fits: reserved <= self.bytes,
            largest_batch: largest(&|n| asked(n, context), &|n| fits(n, context)),
            largest_context: largest(&|n| n <= positions && asked(batch, n), &|n| n <= positions && fits(batch, n)),
        }
    }

    /// A model served in each of `storings`.
    #[must_use]
    pub fn serving(&self, shape: &Shape, storings: &[Storing], cache: &Format, size: [u64; 2]) -> Vec<Fit> {
        let one = |storing: &Storing| {
            let needs = |batch, context| {
                let job = Serving { storing: storing.clone(), cache: *cache, batch, context };
                serving_needs(shape, &job, self.max_buffer)
            };
            self.fit(storing.format.to_string(), shape, size, &needs)
        };
        storings.iter().map(one).collect()
    }

    /// A model in training on one device, in each of [`WAYS`].
    #[must_use]
    pub fn learning(&self, shape: &Shape, optimizer: Optimizer, size: [u64; 2]) -> Vec<Fit> {
        let one = |way: &Way| {
            let needs = |batch, context| learning_needs(shape, &way.job(optimizer, [batch, context]), self.max_buffer);
            self.fit(way.name.into(), shape, size, &needs)
        };
        WAYS.iter().map(one).collect()
    }

    /// How many devices with such a memory training takes: by the article's rule, and by a shard counted exactly.
    #[must_use]
    pub fn gpus(&self, shape: &Shape, optimizer: Optimizer, size: [u64; 2]) -> Gpus {
        let find = |way: &Way| {
            let job = way.job(optimizer, size);
            let found = fewest_gpus(shape, &job, self.bytes.saturating_sub(BESIDE));
            (found, found.map(|n| shard(shape, &job, n).total()))
        };
        let [kept, recomputed] = [find(&WAYS[1]), find(&WAYS[2])];
        let parameters = shape.parameters();
        Gpus {
            optimizer,
            rule: heuristic_gpus(parameters, 18.0, 1.25, self.bytes),
            rule_of_optimizer: heuristic_gpus(parameters, optimizer.bytes_per_parameter(), 1.25, self.bytes),
            shard: kept.0,
            shard_bytes: kept.1,
            recomputed: recomputed.0,
            recomputed_bytes: recomputed.1,
        }
    }
}

/// How far down from the most that bytes asked for allow the largest number is looked for, a step at a time.
const STEPS_DOWN: u64 = 256;

/// The largest number up to [`MOST`] that `fits`, of which one more does not. `asked` is necessary for that, and true of all below where it is true.
///
/// `fits` may be true again behind numbers of which it is not: a buffer of a little more than half a block wastes the other half, one of more than a
/// block has its own. So the numbers right below the most that is asked for are tried first; halving finds some border, if it must.
fn largest(asked: &dyn Fn(u64) -> bool, fits: &dyn Fn(u64) -> bool) -> u64 {
    let most = border(asked);
    let near = (most.saturating_sub(STEPS_DOWN).max(1)..=most).rev().find(|n| fits(*n));
    near.unwrap_or_else(|| border(fits))
}

/// A number that `fits`, of which one more does not, or [`MOST`]; 0 where 1 does not.
fn border(fits: &dyn Fn(u64) -> bool) -> u64 {
    if !fits(1) {
        return 0;
    }
    let (mut low, mut high) = (1, 2);
    while high <= MOST && fits(high) {
        (low, high) = (high, high * 2);
    }
    if high > MOST {
        return low;
    }
    while high - low > 1 {
        let middle = low.midpoint(high);
        if fits(middle) { low = middle } else { high = middle }
    }
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_found() {
        for want in [0, 1, 2, 3, 7, 8, 1000, MOST] {
            assert_eq!(largest(&|n| n <= want, &|n| n <= want), want);
        }
        assert_eq!(largest(&|_| true, &|_| true), MOST);
        // A gap, as blocks make it; and one that is deeper than is looked into, where a border is found all the same.
        assert_eq!(largest(&|n| n <= 200, &|n| n <= 85 || (171..=190).contains(&n)), 190);
        assert_eq!(largest(&|n| n <= 5000, &|n| n <= 85), 85);
    }
}
