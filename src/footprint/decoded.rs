//! A decode step of a whole model in the buffers that a plan has placed.

use super::estimate::{Serving, block_of};
use super::shape::{Shape, TensorShape};
use crate::block::{Attention, Block, BlockShape, Coded, KvCache, Parameters, Recompute};
use crate::error::{Error, Result};
use crate::format::{Element, Format};
use crate::gpu::{Buffer, Gpu, Window};
use crate::sample::{Logits, Sampler, SamplerLayout};

/// What ran.
#[derive(Debug)]
pub(super) struct Decoded {
    /// Layers that a token went through in each sequence.
    pub layers: usize,
    /// Why none, if none.
    pub reason: Option<String>,
    /// A token for each sequence, drawn from the logits.
    pub drawn: Vec<u32>,
}

/// A block's parameters, and what Hugging Face's Llama calls them.
const NAMES: [(&str, &str); 9] = [
    ("attention_norm", "input_layernorm.weight"),
    ("query", "self_attn.q_proj.weight"),
    ("key", "self_attn.k_proj.weight"),
    ("value", "self_attn.v_proj.weight"),
    ("output", "self_attn.o_proj.weight"),
    ("mlp_norm", "post_attention_layernorm.weight"),
    ("gate", "mlp.gate_proj.weight"),
    ("up", "mlp.up_proj.weight"),
    ("down", "mlp.down_proj.weight"),
];

/// A model that the block can run.
struct Runnable<'a> {
    /// How tensors are stored that are not in codes.
    plain: Element,
    cache: Element,
    blocks: Vec<BlockShape>,
    norm: &'a TensorShape,
    head: &'a TensorShape,
}

fn element(format: &Format) -> Option<Element> {
    match format.to_string().as_str() {
        "f32" => Some(Element::F32),
        "bf16" => Some(Element::Bf16),
        _ => None,
    }
}

/// What the block needs to know of a model, or why it cannot run it.
fn runnable<'a>(gpu: &Gpu, shape: &'a Shape, job: &Serving) -> std::result::Result<Runnable<'a>, String> {
    let kept = if job.storing.kept_element == 4 { Element::F32 } else { Element::Bf16 };
    let plain = element(&job.storing.format).unwrap_or(kept);
    let cache = element(&job.cache).ok_or_else(|| format!("the block's kernels read no cache in {}", job.cache))?;
    let of_layer = |i: usize| shape.tensors.iter().filter(move |t| t.layer == Some(i as u64));
    let like_llama = |i: usize| {
        let named = |(_, name): &(&str, &str)| of_layer(i).any(|t| t.name.ends_with(&format!(".{i}.{name}")));
        of_layer(i).count() == NAMES.len() && NAMES.iter().all(named) && shape.layers[i].remembered(job.context) == job.context
    };
    let blocks = block_of(shape);
    if !(0..blocks.len()).all(like_llama) || blocks.iter().any(|block| !block.gated) {
        return Err("its layers are not of Llama's kind".into());
    }
    let outside = |ending: &str| shape.tensors.iter().find(|t| t.layer.is_none() && t.name.ends_with(ending));
    let norm = outside("model.norm.weight").ok_or("it has no last normalization")?;
    let head = outside("lm_head.weight").or_else(|| outside("embed_tokens.weight")).ok_or("it has no head")?;
    for tensor in shape.tensors.iter().filter(|tensor| is_coded(tensor, job)) {
        Coded::check(&job.storing.format, sizes(tensor)).map_err(|error| error.to_string())?;
    }
    let limits = gpu.limits();
    let halves: Vec<u64> = blocks.iter().map(|block| job.batch * job.context * block.key() * cache.bytes()).collect();
    if halves.iter().any(|half| !half.is_multiple_of(limits.min_storage_buffer_offset_alignment)) {
        return Err("its values begin where this device cannot bind".into());
    }
    let planes = shape.tensors.iter().flat_map(|tensor| job.storing.planes(tensor));
    let (largest, limit) = (planes.chain(halves).max().unwrap_or(0), limits.max_storage_buffer_binding_size);
    if largest > limit {
        return Err(format!("its largest tensor has {largest} bytes, and a binding at most {limit}"));
    }
    Ok(Runnable { plain, cache, blocks, norm, head })
}

/// Whether a tensor is multiplied as codes; kernels of the block read F32 and BF16 as they are.
fn is_coded(tensor: &TensorShape, job: &Serving) -> bool {
    job.storing.quantizes(tensor) && element(&job.storing.format).is_none()
}

/// Rows, and values of a row.
fn sizes(tensor: &TensorShape) -> [u64; 2] {
    let row_len = tensor.shape.last().copied().unwrap_or(1).max(1);
    [tensor.elements() / row_len, row_len]
}

/// Runs a token of each sequence through all layers, at the last place of the context, the cache before it taken as it is; then draws from the
/// logits. What a step needs on its way takes the place of the buffers that stood for it.
pub(super) fn decode(gpu: &Gpu, mut held: Vec<Buffer<u8>>, shape: &Shape, job: &Serving) -> Result<Decoded> {
    held.retain(|buffer| !buffer.label().starts_with("scratch/") && !buffer.label().starts_with("sampling/"));
    gpu.quiesce()?;
    let mut decoded = Decoded { layers: 0, reason: None, drawn: vec![] };
    match runnable(gpu, shape, job) {
        Ok(model) => decoded.layers = through(gpu, &mut held, &model, shape, job)?,
        Err(reason) => decoded.reason = Some(reason),
    }
    // Logits that are cut into several buffers, or are none, are not drawn from.
    let (rows, vocab) = (job.batch, shape.vocab);
    if let Some(logits) = held.iter().find(|b| b.label() == LOGITS && b.bytes() >= rows * vocab * 4) {
        let mut sampler = Sampler::new(gpu, SamplerLayout::new(rows, vocab))?;
        let drawn = sampler.sample(&Logits::new(logits, Element::F32, rows, vocab)?)?;
        decoded.drawn = drawn.iter().filter_map(|row| row.tokens.first().copied()).collect();
    }
    Ok(decoded)
}

const LOGITS: &str = "logits/step";

/// The buffers of a tensor's planes.
fn planes<'b>(held: &'b [Buffer<u8>], label: &str) -> Vec<Window<'b>> {
    held.iter().filter(|buffer| buffer.label() == label).map(Buffer::window).collect()
}

/// Tensors as parameters under names of the block.
fn parameters<'b>(
    held: &'b [Buffer<u8>],
    named: impl Iterator<Item = (&'static str, &'b TensorShape)>,
    plain: Element,
    job: &Serving,
) -> Result<Parameters<'b>> {
    let (mut windows, mut coded) = (Vec::new(), Vec::new());
    for (name, tensor) in named {
        let label = label(tensor);
        let mut planes = planes(held, &label);
        if is_coded(tensor, job) {
            coded.push((name, Coded::new(job.storing.format, planes)));
        } else {
            windows.push((name, planes.pop().ok_or_else(|| absent(&label))?));
        }
    }
    Ok(Parameters::new(windows).coded(coded).stored(plain))
}

fn absent(label: &str) -> Error {
    Error::Device { what: "a decode step".into(), message: format!("the plan has no buffer {label}") }
}

fn label(tensor: &TensorShape) -> String {
    format!("{}/{}", tensor.class.name(), tensor.name)
}

fn through(gpu: &Gpu, held: &mut Vec<Buffer<u8>>, model: &Runnable<'_>, shape: &Shape, job: &Serving) -> Result<usize> {
    let mut take = |label: String| -> Result<Buffer<u8>> {
        let at = held.iter().position(|buffer| buffer.label() == label).ok_or_else(|| absent(&label))?;
        // In order, for planes of a tensor are told apart by it.
        Ok(held.remove(at))
    };
    let mut caches = Vec::new();
    for (i, block) in model.blocks.iter().enumerate() {
        let both = take(format!("kv_cache/{i}"))?;
        caches.push(KvCache::of(gpu, block, both, model.cache, [job.batch, job.context], job.context - 1)?);
    }
    let block_for = |shape| Block::new(gpu, shape, Attention::Flash, Recompute::None, job.context);
    let mut block = block_for(model.blocks[0])?;
    let ones = vec![1.0_f32; (job.batch * shape.hidden) as usize];
    let mut hidden = gpu.buffer::<f32>("scratch/x", ones.len() as u64)?;
    let mut recording = gpu.record("a token");
    recording.upload(&hidden, 0, bytemuck::cast_slice(&ones));
    recording.run()?;
    for (i, cache) in caches.iter_mut().enumerate() {
        if model.blocks[i] != block.shape {
            block = block_for(model.blocks[i])?;
        }
        let tensors = shape.tensors.iter().filter(|t| t.layer == Some(i as u64));
        let named = tensors.map(|t| {
            let name = NAMES.iter().find(|(_, ending)| t.name.ends_with(&format!(".{i}.{ending}")));
            (name.map_or("", |(name, _)| *name), t)
        });
        let parameters = parameters(held, named, model.plain, job)?;
        hidden = block.decode(gpu, &parameters, cache, &hidden, 1)?;
    }
    let last = parameters(held, [("norm", model.norm), ("head", model.head)].into_iter(), model.plain, job)?;
    let logits = held.iter().find(|buffer| buffer.label() == LOGITS).ok_or_else(|| absent(LOGITS))?;
    block.logits(gpu, &last, &hidden, [job.batch, shape.vocab], logits)?;
    Ok(model.blocks.len())
}
