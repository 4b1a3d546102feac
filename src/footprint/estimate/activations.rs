//! Activations: what a forward pass keeps for the backward pass.

use crate::block::{Attention, BlockShape, Recompute};
use crate::footprint::shape::Shape;

/// The article's formula: l b s h p C, in bytes: layers, batch, tokens, width, bytes of a value, and a constant "above 16 that depends
/// on how attention is computed".
///
/// It is right for the C of [`c_of_block`]; it says nothing of recomputation, and C is no constant where attention is naive.
#[must_use]
pub fn article_activations(layers: u64, batch: u64, tokens: u64, hidden: u64, element: u64, c: f64) -> f64 {
    (layers * batch * tokens * hidden * element) as f64 * c
}

/// Korthikanti et al. 2022, equation 2, for values of `element` bytes, in bytes a layer: s b h ((16 p + 2) + (2 p + 1) a s / h). With
/// p = 2 that is s b h (34 + 5 a s / h).
///
/// Assumes GPT's block: LayerNorm, as many key as query heads, four times the width in a feed-forward part with GELU, three dropouts
/// whose masks have a byte a value, and the whole matrix of probabilities.
#[must_use]
pub fn korthikanti(batch: u64, tokens: u64, hidden: u64, heads: u64, element: u64) -> u64 {
    batch * tokens * ((16 * element + 2) * hidden + (2 * element + 1) * heads * tokens)
}

/// The same as the article's C: 16 + 2/p + (2 + 1/p) a s / h. "C > 16" is this for s = 0 and large p.
#[must_use]
pub fn korthikanti_c(tokens: u64, hidden: u64, heads: u64, element: u64) -> f64 {
    korthikanti(1, tokens, hidden, heads, element) as f64 / (tokens * hidden * element) as f64
}

/// C of a block of Llama's kind without dropout, from what it keeps ([`BlockShape::saved`]), of values of `element` bytes:
///
/// C = 4 + 2 (a d)/h + 2 (kv d)/h + 3 ff/h, two instead of three where the feed-forward part is not gated; with naive attention + a s/h
/// for the probabilities, with flash attention + 4 a/(p h) for the logarithms of sums in F32; 1 where all is computed again.
#[must_use]
pub fn c_of_block(block: &BlockShape, tokens: u64, element: u64, attention: Attention, recompute: Recompute) -> f64 {
    let h = block.hidden as f64;
    let heads = block.heads as f64;
    let matrices = if block.gated { 3.0 } else { 2.0 };
    let linear = 4.0 + 2.0 * (block.query() + block.key()) as f64 / h + matrices * block.ff as f64 / h;
    match (recompute, attention) {
        (Recompute::Full, _) => 1.0,
        (Recompute::None, Attention::Naive) => linear + heads * tokens as f64 / h,
        (Recompute::Selective, Attention::Naive) => linear,
        (_, Attention::Flash) => linear + 4.0 * heads / (element as f64 * h),
    }
}

/// The blocks of a model: those of its layers, as far as a block of Llama's kind can stand for them.
///
/// Latent attention (MLA) is taken with its keys and values expanded, experts with the width that a token goes through.
#[must_use]
pub fn block_of(shape: &Shape) -> Vec<BlockShape> {
    let hidden = shape.hidden;
    shape
        .layers
        .iter()
        .map(|l| BlockShape { hidden, heads: l.heads, kv_heads: l.kv_heads, head_dim: l.head_dim, ff: l.ff, gated: l.gated })
        .collect()
}

/// Bytes that all layers of a model keep, of values of `element` bytes.
///
/// Assumes blocks as [`block_of`] has them, no dropout, and one copy of each tensor. The logits and the loss are not in it.
#[must_use]
pub fn saved_bytes(shape: &Shape, batch: u64, tokens: u64, element: u64, attention: Attention, recompute: Recompute) -> u64 {
    let of = |block: BlockShape| -> u64 {
        block.saved(batch, tokens, attention, recompute).iter().map(|saved| saved.bytes(element)).sum()
    };
    block_of(shape).into_iter().map(of).sum()
}

/// Bytes that the backward pass of the widest layer works with beside what is kept, of values of `element` bytes: gradients on their way, and
/// what is computed again ([`BlockShape::working`]). Statistics are counted as values.
#[must_use]
pub fn working_bytes(shape: &Shape, batch: u64, tokens: u64, element: u64, attention: Attention, recompute: Recompute) -> u64 {
    let of = |block: BlockShape| element * block.working(batch, tokens, attention, recompute);
    block_of(shape).into_iter().map(of).max().unwrap_or(0)
}
