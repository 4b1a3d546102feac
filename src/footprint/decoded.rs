//! A decode step of a whole model in the buffers that a plan has placed.

use super::estimate::{Serving, block_of};
use super::shape::{Shape, TensorShape};
use crate::block::{Attention, Block, BlockShape, Coded, KvCache, Parameters, Recompute};
use crate::error::{Error, Result};
use crate::format::{Element, Format};
use crate::gpu::{BINDING, Buffer, Gpu, Window};
use crate::sample::{Logits, Sampler, SamplerLayout};

/// What ran.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    /// Layers that a token went through in each sequence.
    pub layers: usize,
    /// What did not run, and why.
    pub not_run: Vec<String>,
    /// A token for each sequence, drawn from the logits.
    pub drawn: Vec<u32>,
}

/// A block's parameters, and what files of Hugging Face and GGUF call them.
const NAMES: [(&str, [&str; 2]); 9] = [
    ("attention_norm", ["input_layernorm", "attn_norm"]),
    ("query", ["self_attn.q_proj", "attn_q"]),
    ("key", ["self_attn.k_proj", "attn_k"]),
    ("value", ["self_attn.v_proj", "attn_v"]),
    ("output", ["self_attn.o_proj", "attn_output"]),
    ("mlp_norm", ["post_attention_layernorm", "ffn_norm"]),
    ("gate", ["mlp.gate_proj", "ffn_gate"]),
    ("up", ["mlp.up_proj", "ffn_up"]),
    ("down", ["mlp.down_proj", "ffn_down"]),
];

/// Likewise what stands behind the layers; where there is no head it is the embedding.
const NORM: [&str; 2] = ["model.norm.weight", "output_norm.weight"];
const HEAD: [&str; 2] = ["lm_head.weight", "output.weight"];
const EMBEDDING: [&str; 2] = ["embed_tokens.weight", "token_embd.weight"];

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
fn runnable<'a>(shape: &'a Shape, job: &Serving) -> std::result::Result<Runnable<'a>, String> {
    let kept = if job.storing.kept_element == 4 { Element::F32 } else { Element::Bf16 };
    let plain = element(&job.storing.format).unwrap_or(kept);
    let cache = element(&job.cache).ok_or_else(|| format!("the block's kernels read no cache in {}", job.cache))?;
    let of_layer = |i: usize| shape.tensors.iter().filter(move |t| t.layer == Some(i as u64));
    let like_llama = |i: usize| {
        let found = |name| of_layer(i).any(|tensor| name_in(i, tensor) == Some(name));
        of_layer(i).count() == NAMES.len()
            && NAMES.iter().all(|(name, _)| found(*name))
            && shape.layers[i].remembered(job.context) == job.context
    };
    let blocks = block_of(shape);
    if blocks.is_empty() || !(0..blocks.len()).all(like_llama) || blocks.iter().any(|block| !block.gated) {
        return Err("its layers are not of Llama's kind".into());
    }
    let outside = |endings: [&str; 2]| {
        let mut others = shape.tensors.iter().filter(|t| t.layer.is_none());
        others.find(|t| endings.iter().any(|ending| t.name == *ending || t.name.ends_with(&format!(".{ending}"))))
    };
    let norm = outside(NORM).ok_or("it has no last normalization")?;
    let head = outside(HEAD).or_else(|| outside(EMBEDDING)).ok_or("it has no head")?;
    Ok(Runnable { plain, cache, blocks, norm, head })
}

/// The block's name of a tensor of layer `i`.
fn name_in(i: usize, tensor: &TensorShape) -> Option<&'static str> {
    let called = |ending: &&str| tensor.name.ends_with(&format!(".{i}.{ending}.weight"));
    NAMES.iter().find(|(_, endings)| endings.iter().any(called)).map(|(name, _)| *name)
}

/// Whether a tensor is multiplied as codes; kernels of the block read F32 and BF16 as they are.
fn is_coded(tensor: &TensorShape, job: &Serving) -> bool {
    job.storing.quantizes(tensor) && element(&job.storing.format).is_none()
}

/// Runs a token of each sequence through all layers, at the last place of the context, the cache before it taken as it is; then draws from the
/// logits. What a step needs on its way takes the place of the buffers that stood for it.
pub(super) fn decode(gpu: &Gpu, mut held: Vec<Buffer<u8>>, shape: &Shape, job: &Serving) -> Result<Decoded> {
    held.retain(|buffer| !buffer.label().starts_with("scratch/") && !buffer.label().starts_with("sampling/"));
    gpu.quiesce()?;
    let ran = runnable(shape, job)
        .map_or_else(|reason| Ok(Err(reason)), |model| limited(through(gpu, &mut held, &model, shape, job)))?;
    // An encoder has no logits to draw from.
    let draws = held.iter().any(|buffer| buffer.label() == LOGITS);
    let drawn = if draws { limited(draw(gpu, &held, [job.batch, shape.vocab]))? } else { Ok(vec![]) };
    let mut not_run = vec![];
    let layers = ran.unwrap_or_else(|reason| {
        not_run.push(format!("the layers: {reason}"));
        0
    });
    let drawn = drawn.unwrap_or_else(|reason| {
        not_run.push(format!("the sampler: {reason}"));
        vec![]
    });
    Ok(Decoded { layers, not_run, drawn })
}

/// The logits of a step, in one buffer: the head and the sampler take no other.
fn logits(held: &[Buffer<u8>], [rows, vocab]: [u64; 2]) -> Result<&Buffer<u8>> {
    let bytes = 4 * rows * vocab;
    let largest = held.iter().filter(|buffer| buffer.label() == LOGITS).max_by_key(|buffer| buffer.bytes());
    largest.filter(|buffer| vocab > 0 && buffer.bytes() >= bytes).ok_or_else(|| Error::Shape {
        what: LOGITS.into(),
        want: format!("a buffer of {bytes} bytes, and a vocabulary"),
        got: largest.map_or("none".into(), |buffer| format!("one of {} bytes", buffer.bytes())),
    })
}

fn draw(gpu: &Gpu, held: &[Buffer<u8>], [rows, vocab]: [u64; 2]) -> Result<Vec<u32>> {
    let logits = logits(held, [rows, vocab])?;
    let mut sampler = Sampler::new(gpu, SamplerLayout::new(rows, vocab))?;
    let drawn = sampler.sample(&Logits::new(logits, Element::F32, rows, vocab)?)?;
    Ok(drawn.iter().filter_map(|row| row.tokens.first().copied()).collect())
}

/// What the kernels cannot do with shapes of this size on this device says why nothing ran; other errors are errors.
fn limited<T>(result: Result<T>) -> Result<std::result::Result<T, String>> {
    match result {
        Ok(done) => Ok(Ok(done)),
        Err(error @ (Error::Shape { .. } | Error::TooLarge { limited_by: BINDING, .. })) => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
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
        let want = job.storing.planes(tensor).len();
        if planes.len() != want {
            let got = format!("{} of them", planes.len());
            return Err(Error::Shape { what: label, want: format!("as many buffers as planes, {want}"), got });
        }
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
        let named = tensors.filter_map(|tensor| Some((name_in(i, tensor)?, tensor)));
        let parameters = parameters(held, named, model.plain, job)?;
        hidden = block.decode(gpu, &parameters, cache, &hidden, 1)?;
    }
    let last = parameters(held, [("norm", model.norm), ("head", model.head)].into_iter(), model.plain, job)?;
    block.logits(gpu, &last, &hidden, [job.batch, shape.vocab], logits(held, [job.batch, shape.vocab])?)?;
    Ok(model.blocks.len())
}
