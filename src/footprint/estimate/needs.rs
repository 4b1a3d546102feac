//! Every buffer that a job needs, by label and size, before any of it is there: what the ledger would hold.

use super::activations::{block_of, working_bytes};
use super::allocator::{Allocator, Policy, WGPU_OWN};
use super::cache::layer_cache;
use super::shards::Job;
use super::weights::Storing;
use crate::footprint::shape::Shape;
use crate::format::Format;
use crate::sample::SamplerLayout;
use crate::train::Optimizer;

/// Inference: weights, a cache for `batch` sequences of `context` tokens, and what a step takes.
#[derive(Clone, Debug)]
pub struct Serving {
    /// How weights are stored.
    pub storing: Storing,
    /// The format of the cache.
    pub cache: Format,
    /// Sequences.
    pub batch: u64,
    /// Tokens of each in the cache.
    pub context: u64,
}

/// Buffers to come, all alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// Their label `class/part`.
    pub label: String,
    /// Bytes of each.
    pub bytes: u64,
    /// How many.
    pub count: u64,
}

/// The most tokens, sequences times context, that are reckoned with.
pub const MOST_TOKENS: u64 = 1 << 36;
/// Tokens of a prompt that are taken at once.
pub const PROMPT: u64 = 512;

/// What is staged for uploads while weights come: the most that one submit stages.
pub const STAGING: u64 = 32 << 20;

/// Puts `bytes` down, cut into buffers where one cannot be as large.
fn put(needs: &mut Vec<Need>, label: &str, bytes: u64, max_buffer: u64) {
    let most = (max_buffer / 16 * 16).max(16);
    let bytes = bytes.next_multiple_of(16);
    for (bytes, count) in [(most, bytes / most), (bytes % most, 1)] {
        if bytes > 0 && count > 0 {
            needs.push(Need { label: label.to_owned(), bytes, count });
        }
    }
}

/// The buffers of a serving job: each plane of each tensor, a cache a layer, the logits of a step in F32, the sampler's own, and what a
/// block of Llama's kind needs on its way in F32. Planes larger than `max_buffer` are several.
///
/// A step is of a token a sequence, or of [`PROMPT`] tokens of a prompt, whichever is more. A model that caches nothing (an encoder) takes
/// all tokens of all sequences at once, and draws nothing.
#[must_use]
pub fn serving_needs(shape: &Shape, job: &Serving, max_buffer: u64) -> Vec<Need> {
    let mut needs = Vec::new();
    for tensor in &shape.tensors {
        let label = format!("{}/{}", tensor.class.name(), tensor.name);
        for bytes in job.storing.planes(tensor) {
            put(&mut needs, &label, bytes, max_buffer);
        }
    }
    for (i, layer) in shape.layers.iter().enumerate().filter(|(_, layer)| layer.cached > 0) {
        put(&mut needs, &format!("kv_cache/{i}"), layer_cache(layer, job.batch, job.context, &job.cache), max_buffer);
    }
    let encoder = shape.layers.iter().all(|layer| layer.cached == 0);
    if shape.vocab > 0 && !encoder {
        put(&mut needs, "logits/step", job.batch * shape.vocab * 4, max_buffer);
        for (part, bytes) in SamplerLayout::new(job.batch, shape.vocab).buffers() {
            put(&mut needs, &format!("sampling/{part}"), bytes, max_buffer);
        }
    }
    let width =
        |l: &crate::footprint::shape::Layer| 3 * shape.hidden + 2 * (l.heads + l.kv_heads) * l.head_dim + l.heads + 3 * l.ff;
    let widest = shape.layers.iter().map(width).max().unwrap_or(0);
    let rows = if encoder { job.batch * job.context } else { job.batch.max(PROMPT.min(job.context)) };
    put(&mut needs, "scratch/step", 4 * rows * widest, max_buffer);
    // Cosines and sines of the positions.
    let head = shape.layers.iter().map(|layer| layer.head_dim).max().unwrap_or(0);
    put(&mut needs, "scratch/rotations", 4 * job.context * head, max_buffer);
    needs
}

/// The buffers of a model's states in training, tensor by tensor, as [`crate::train::Trained`] makes them.
#[must_use]
pub fn state_needs(shape: &Shape, optimizer: Optimizer, max_buffer: u64) -> Vec<Need> {
    let mut needs = Vec::new();
    for tensor in &shape.tensors {
        for (label, bytes) in optimizer.buffers(tensor.class.name(), &tensor.name, tensor.elements()) {
            put(&mut needs, &label, bytes, max_buffer);
        }
    }
    needs
}

/// The buffers of training on one device: the states, then what each layer keeps, what the backward pass of one works with, the logits of
/// all tokens in F32 (their gradient takes their place).
#[must_use]
pub fn learning_needs(shape: &Shape, job: &Job, max_buffer: u64) -> Vec<Need> {
    let mut needs = state_needs(shape, job.optimizer, max_buffer);
    let element = job.optimizer.state(1).weights;
    for (i, block) in block_of(shape).iter().enumerate() {
        for saved in block.saved(job.batch, job.tokens, job.attention, job.recompute) {
            put(&mut needs, &format!("activation/{i}.{}", saved.name), saved.bytes(element), max_buffer);
        }
    }
    let working = working_bytes(shape, job.batch, job.tokens, element, job.attention, job.recompute);
    put(&mut needs, "scratch/backward", working, max_buffer);
    put(&mut needs, "logits/all", 4 * job.batch * job.tokens * shape.vocab, max_buffer);
    needs
}

/// Bytes of a class, or of all.
#[must_use]
pub fn requested(needs: &[Need], class: Option<&str>) -> u64 {
    let of = |need: &&Need| class.is_none_or(|class| need.label.split('/').next() == Some(class));
    needs.iter().filter(of).map(|need| need.bytes * need.count).sum()
}

/// Where an allocator would look: its policy, the device's memory types, and what the driver rounds places and sizes up to.
#[derive(Clone, Debug)]
pub struct Ground {
    /// The sizes of blocks.
    pub policy: Policy,
    /// Whether the host sees each memory type.
    pub types: Vec<bool>,
    /// The type of buffers for kernels, and that of staging.
    pub of_buffers: [usize; 2],
    /// What places are multiples of.
    pub alignment: u64,
}

impl Ground {
    /// A device with memory of its own, of which nothing more is known: places at multiples of 256 bytes.
    #[must_use]
    pub fn unknown() -> Self {
        Self { policy: Policy::MEMORY_USAGE, types: vec![false, true], of_buffers: [0, 1], alignment: 256 }
    }

    /// Bytes that wgpu reserves for buffers that come in this order, after its own and before the staging of uploads.
    #[must_use]
    pub fn reserved(&self, needs: &[Need]) -> u64 {
        let mut allocator = Allocator::new(self.policy, &self.types);
        let [device, upload] = self.of_buffers;
        for bytes in WGPU_OWN {
            allocator.allocate(device, bytes, self.alignment);
        }
        // What is larger than any block has one of its own, wherever it comes.
        let largest = self.policy.device[1].max(self.policy.host[1]);
        let mut own = 0;
        for need in needs {
            if need.bytes > largest {
                own += need.bytes * need.count;
            } else {
                for _ in 0..need.count {
                    allocator.allocate(device, need.bytes, self.alignment);
                }
            }
        }
        allocator.allocate(upload, STAGING, self.alignment);
        allocator.reserved() + own
    }
}
