//! What other tools say of the same question: their formulas as they are, with the errors that are known of them.

use serde::Serialize;

use crate::footprint::class::Class;
use crate::footprint::shape::{Shape, TensorShape};
use crate::train::Optimizer;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Of which model.
    pub shape: &'a Shape,
    /// Bits of a weight, without scales: 32, 16, 8 or 4.
    pub bits: u32,
    /// Sequences.
    pub batch: u64,
    /// Tokens of each.
    pub tokens: u64,
    /// Training, where it is asked for; else inference.
    pub training: Option<Optimizer>,
    /// GPUs that share the work of training.
    pub gpus: u64,
}

/// A tool's answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Peer {
    /// The tool.
    pub name: &'static str,
    /// Bytes on each GPU.
    pub bytes: u64,
    /// Its formula.
    pub formula: &'static str,
    /// What is known to be wrong with it.
    pub errors: &'static str,
}

/// The answers of all that have one.
#[must_use]
pub fn peers(question: &Question<'_>) -> Vec<Peer> {
    let tools: &[fn(&Question<'_>) -> Option<Peer>] = &[article, accelerate, cookbook, deepspeed, llmfit, calculators];
    tools.iter().filter_map(|tool| tool(question)).collect()
}

fn parameters(question: &Question<'_>) -> f64 {
    question.shape.parameters() as f64
}

/// The article: parameters x bits / 8; in training 18 bytes a parameter and a quarter more.
fn article(q: &Question<'_>) -> Option<Peer> {
    let p = parameters(q);
    Some(match q.training {
        None => Peer {
            name: "article",
            bytes: (p * f64::from(q.bits) / 8.0) as u64,
            formula: "P x bits / 8",
            errors: "no scales, nothing unquantized, no cache, no buffers",
        },
        Some(_) => Peer {
            name: "article",
            bytes: (p * 18.0 * 1.25 / q.gpus as f64) as u64,
            formula: "P x 18 x 1.25 / N",
            errors: "activations are taken as a quarter of the states, and as shared; the optimizer is not asked for",
        },
    })
}

/// `accelerate estimate-memory` (huggingface/accelerate, commands/estimate.py): the model without its head, F32 bytes divided by 2, 4 or 8; in
/// training the most of model, gradients, optimizer and step.
fn accelerate(q: &Question<'_>) -> Option<Peer> {
    // AutoModel has no head.
    let head: u64 = q.shape.tensors.iter().filter(|t| t.class == Class::Head).map(TensorShape::elements).sum();
    let f32_bytes = 4 * (q.shape.parameters() - head);
    let (bytes, formula) = match q.training {
        None => (f32_bytes * u64::from(q.bits) / 32, "4 P / (32 / bits), without the head"),
        // Its row for float32, and that for float16, which is the most of 1, 1.5 and 2 times the F32 size.
        Some(Optimizer::AdamwF32 | Optimizer::SgdMomentum | Optimizer::Adamw8bit) => {
            (4 * f32_bytes, "4 x 4 P, without the head")
        }
        Some(_) => (2 * f32_bytes, "2 x 4 P, without the head"),
    };
    let errors = "no head, no scales, no cache, no activations, no sharding; mixed precision takes the largest of its parts for their sum";
    Some(Peer { name: "accelerate", bytes, formula, errors })
}

/// `calc_transformer_mem.py` of EleutherAI's cookbook, its defaults where a config does not set them (two matrices in the feed-forward part, a key
/// head for each query head).
fn cookbook(q: &Question<'_>) -> Option<Peer> {
    let layer = q.shape.layers.first()?;
    let (h, l, v) = (q.shape.hidden as f64, q.shape.layers.len() as f64, q.shape.vocab as f64);
    let (s, b, a) = (q.tokens as f64, q.batch as f64, layer.heads as f64);
    // A config's `intermediate_size`: of experts the width of one.
    let first = |t: &&TensorShape| t.layer == Some(0);
    let used = q.shape.tensors.iter().filter(first).find_map(|t| t.experts).map_or(1, |(used, _)| used.max(1));
    let ff = (layer.ff / used) as f64;
    let p = 2.0 * v * h + h * s + (8.0 * h * l + 2.0 * h) + 4.0 * l * h * h + 2.0 * l * h * ff;
    let (bytes, formula, errors) = match q.training {
        None => (
            2.0 * p + s * b * h * 34.0 + 2.0 * h * l * (s + 1.0) * b,
            "2 P' + 34 s b h + 2 h l (s + 1) b",
            "the cache lacks the factor of two for keys and values, and grouped heads; P' has two matrices in each feed-forward part, \
             a position a token, the embedding twice, and one expert of many; the format is not asked for",
        ),
        Some(_) => (
            2.0 * p
                + 4.0 * p
                + 12.0 * p / q.gpus as f64
                + s * b * h * l * (34.0 + 5.0 * a * s / h)
                + if q.gpus > 1 { 5e8 * 2.0 } else { 0.0 },
            "2 P' + 4 P' + 12 P' / N + s b h l (34 + 5 a s / h), ZeRO stage 1",
            "GPT's block with dropout and the whole matrix of probabilities; P' as for inference; the optimizer is not asked for",
        ),
    };
    Some(Peer { name: "cookbook", bytes: bytes as u64, formula, errors })
}

/// DeepSpeed's `estimate_zero3_model_states_mem_needs`, nothing offloaded.
fn deepspeed(q: &Question<'_>) -> Option<Peer> {
    q.training?;
    let single = |t: &TensorShape| t.elements() / t.experts.map_or(1, |(_, all)| all.max(1));
    let largest = q.shape.tensors.iter().map(single).max().unwrap_or(0);
    Some(Peer {
        name: "deepspeed",
        bytes: 4 * largest + (18.0 * parameters(q) / q.gpus as f64) as u64,
        formula: "4 x largest layer + 18 P / N",
        errors: "no activations, no communication buffers; mixed-precision AdamW is taken for granted",
    })
}

/// llmfit (llmfit-core, models.rs): parameters x bytes from a table (4, 2, 1.05 for Q8_0, 0.58 for Q4_K_M), the cache from layers and key heads in
/// F16, half a gigabyte. Weights are counted in 10^9 bytes and the cache in 2^30, and added.
fn llmfit(q: &Question<'_>) -> Option<Peer> {
    if q.training.is_some() {
        return None;
    }
    let bytes = match q.bits {
        32 => 4.0,
        16 => 2.0,
        8 => 1.05,
        _ => 0.58,
    };
    let layer = q.shape.layers.first()?;
    let cache = 2 * 2 * q.shape.layers.len() as u64 * layer.kv_heads * layer.head_dim * q.tokens;
    let gigabytes = parameters(q) / 1e9 * bytes + cache as f64 / f64::from(1 << 30) + 0.5;
    Some(Peer {
        name: "llmfit",
        bytes: (gigabytes * 1e9) as u64,
        formula: "P x bytes + 4 L kv d tokens + 0.5 GB",
        errors: "decimal gigabytes of weights added to binary ones of cache; no windows, no latent cache, no batch",
    })
}

/// The calculators of many web pages (Stoelinga's formula): billions of parameters x 4 bytes / (32 / bits) x 1.2, called GB.
fn calculators(q: &Question<'_>) -> Option<Peer> {
    if q.training.is_some() {
        return None;
    }
    let gigabytes = parameters(q) / 1e9 * 4.0 / (32.0 / f64::from(q.bits)) * 1.2;
    Some(Peer {
        name: "x 1.2",
        bytes: (gigabytes * 1e9) as u64,
        formula: "P x 4 / (32 / bits) x 1.2",
        errors: "a fifth for everything else, whatever the context and the batch",
    })
}
