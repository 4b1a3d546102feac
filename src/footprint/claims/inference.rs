//! Row 7: the most bytes of a decode step beside the most bytes of a training step, both run.

use serde_json::{Value, json};

use super::blocks::{TrainedLayer, place, values, weights};
use super::{Bench, Claim, Verdict, claim};
use crate::block::{Attention, Block, BlockShape, KvCache, Parameters, Recompute};
use crate::error::Result;
use crate::footprint::estimate::kv_cache;
use crate::footprint::shape::open;
use crate::format::Element;
use crate::gpu::Gpu;
use crate::tensor::Tensor;
use crate::train::Hyper;
use crate::units::grouped;

/// The proportions of Llama-3-8B, a sixteenth as wide.
const SHAPE: BlockShape = BlockShape { hidden: 256, heads: 8, kv_heads: 2, head_dim: 32, ff: 896, gated: true };
const LAYERS: u64 = 2;
/// Tokens of the sequence that a training step takes.
const TRAINED: u64 = 128;
const CONTEXTS: [u64; 4] = [64, 256, 1024, 4096];
const BATCHES: [u64; 2] = [1, 8];
/// Batches and contexts that both are measured at.
const EQUAL: [[u64; 2]; 3] = [[1, 64], [1, 512], [8, 64]];
const QUARTER: f64 = 0.25;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let trained = training(&Gpu::open(&bench.options)?, [1, TRAINED])?;
    let mut equal = Vec::new();
    for size in EQUAL {
        let training = training(&Gpu::open(&bench.options)?, size)?;
        equal.push(decode(&Gpu::open(&bench.options)?, size, training)?);
    }
    let gpu = Gpu::open(&bench.options)?;
    let mut points = Vec::new();
    for batch in BATCHES {
        for context in CONTEXTS {
            points.push(decode(&gpu, [batch, context], trained)?);
        }
    }
    let ratio = |point: &Value| point["ratio"].as_f64().unwrap_or(f64::NAN);
    let above: Vec<String> =
        points.iter().filter(|p| ratio(p) > QUARTER).map(|p| format!("{} x {}", p["batch"], p["context"])).collect();
    let (cache, formula, real) = llama(bench)?;
    let condition = format!(
        "Weights alone are 4 of 16 bytes in FP32 and 2 of 16 or 18 in mixed precision. At equal batch x context a model of two layers in FP32 \
         takes {} of its training step. Beside one training step of 1 x {TRAINED} tokens the cache grows with batch and context: in this model (a sixteenth of Llama-3-8B's width, where a token of cache weighs 16 times as much beside the weights) the share passes a \
         quarter at batch x context {}. Llama-3-8B in BF16 (its cache: {} bytes a token, measured) beside 16 bytes \
         a parameter: {:.1} % at 131,072 tokens, {:.1} % at 32 x 8,192; beyond a quarter from {} tokens on.",
        (equal.iter().zip(EQUAL))
            .map(|(p, [batch, context])| format!("{:.1} % ({batch} x {context})", 100.0 * ratio(p)))
            .collect::<Vec<_>>()
            .join(", "),
        if above.is_empty() { "nowhere in this sweep".into() } else { above.join(", ") },
        grouped(cache.into()),
        real[0] * 100.0,
        real[1] * 100.0,
        grouped(real[2] as i128)
    );
    let most = points.iter().map(ratio).fold(0.0, f64::max);
    let cached = points.iter().all(|p| p["kv_cache"] == p["kv_cache_formula"]) && cache == formula;
    let verdict = if most > QUARTER { Verdict::Conditional } else { Verdict::True };
    let mut claim = claim(7, cached, verdict, [QUARTER, most], "of a training step of 1 x 128, at most", condition);
    claim.evidence = json!({
        "shape": SHAPE, "layers": LAYERS, "trained_tokens": TRAINED, "points": points, "equal": equal,
        "llama_3_8b": { "cache_bytes_a_token": cache, "cache_formula": formula, "share_at_131072": real[0], "share_at_32_x_8192": real[1], "crossing_tokens": real[2] },
    });
    Ok(vec![claim])
}

/// The most bytes on the ledger while a step of AdamW in F32 is taken: forward, backward, update.
fn training(gpu: &Gpu, [batch, tokens]: [u64; 2]) -> Result<u64> {
    let layers = (0..LAYERS).map(|layer| TrainedLayer::new(gpu, &SHAPE, layer)).collect::<Result<Vec<_>>>()?;
    let block = Block::new(gpu, SHAPE, Attention::Flash, Recompute::None, tokens)?;
    let x = values(batch * tokens * SHAPE.hidden, 9);
    let mut hidden = place(gpu, "activation/0.x", &x)?;
    gpu.trim();
    gpu.quiesce()?;
    gpu.ledger().reset_peak();
    let mut kept = Vec::new();
    for (i, layer) in layers.iter().enumerate() {
        let (of_layer, y) = block.forward(gpu, &layer.weights(), hidden, [batch, tokens], i as u64)?;
        kept.push(of_layer);
        hidden = y;
    }
    // The gradient of half the sum of squares is the output itself.
    let mut gradient = hidden;
    for (layer, kept) in layers.iter().zip(kept).rev() {
        gradient = block.backward(gpu, &layer.weights(), &kept, &gradient, &layer.gradients())?;
    }
    for mut layer in layers {
        for (_, trained) in &mut layer.0 {
            trained.step(gpu, &Hyper::default())?;
        }
    }
    Ok(gpu.ledger().peak_bytes())
}

/// A prompt of 32 tokens and one step, with room for `context` tokens of `batch` sequences.
fn decode(gpu: &Gpu, [batch, context]: [u64; 2], training: u64) -> Result<Value> {
    const PROMPT: u64 = 32;
    let layers = (0..LAYERS)
        .map(|layer| {
            let of = |(name, values): (&'static str, Vec<f32>)| {
                Ok((name, place(gpu, &format!("{}/{layer}.{name}", super::blocks::class(name)), &values)?))
            };
            weights(&SHAPE, 1000 * layer).into_iter().map(of).collect::<Result<Vec<_>>>()
        })
        .collect::<Result<Vec<_>>>()?;
    let block = Block::new(gpu, SHAPE, Attention::Flash, Recompute::None, context)?;
    let mut caches = (0..LAYERS)
        .map(|layer| KvCache::new(gpu, &SHAPE, Element::F32, [batch, context], layer))
        .collect::<Result<Vec<_>>>()?;
    gpu.trim();
    gpu.quiesce()?;
    gpu.ledger().reset_peak();
    for tokens in [PROMPT, 1] {
        let mut hidden = place(gpu, "scratch/x", &values(batch * tokens * SHAPE.hidden, 3))?;
        for (layer, cache) in layers.iter().zip(&mut caches) {
            let parameters = Parameters::new(layer.iter().map(|(name, buffer)| (*name, buffer.window())));
            hidden = block.decode(gpu, &parameters, cache, &hidden, tokens)?;
        }
    }
    let peak = gpu.ledger().peak_bytes();
    let of_weights = LAYERS * SHAPE.parameters() * 4;
    let of_cache: u64 = caches.iter().map(KvCache::bytes).sum();
    Ok(json!({
        "batch": batch, "context": context, "weights": of_weights, "kv_cache": of_cache,
        "buffers": peak - of_weights - of_cache, "inference_bytes": peak, "training_bytes": training,
        "ratio": peak as f64 / training as f64,
        "kv_cache_formula": 2 * batch * context * SHAPE.key() * 4 * LAYERS,
    }))
}

/// Llama-3-8B: its cache's bytes a token from two caches on the device; then shares of 16 bytes a parameter, and where they pass a quarter.
fn llama(bench: &Bench<'_>) -> Result<(u64, u64, [f64; 3])> {
    let shape = open("llama-3-8b")?;
    let place = |tokens: u64| -> Result<u64> {
        let room = |(i, layer): (usize, &crate::footprint::shape::Layer)| {
            Tensor::room(&bench.gpu, &format!("kv_cache/{i}"), &[tokens, layer.cached], Element::Bf16)
        };
        let held = shape.layers.iter().enumerate().map(room).collect::<Result<Vec<_>>>()?;
        Ok(held.iter().map(Tensor::requested_bytes).sum())
    };
    let per_token = place(512)? - place(511)?;
    let formula = kv_cache(&shape, 1, 1, &"bf16".parse()?);
    let parameters = shape.parameters() as f64;
    let share = |tokens: f64| (2.0 * parameters + tokens * per_token as f64) / (16.0 * parameters);
    let crossing = ((QUARTER * 16.0 - 2.0) * parameters / per_token as f64).ceil();
    Ok((per_token, formula, [share(131_072.0), share(32.0 * 8192.0), crossing]))
}
