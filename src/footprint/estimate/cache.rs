//! What a decode step needs beside the weights: the cache of keys and values, logits, staging.

use crate::footprint::shape::{Layer, Shape};
use crate::format::Format;

/// Bytes of the cache of keys and values for `batch` sequences of `tokens` tokens, in a format.
///
/// A layer caches 2 kv_heads head_dim values a token, or the latent of multi-head latent attention (DeepSeek-V2, section 2.1); a layer
/// with a window keeps no more tokens than that. A format's groups lie within a token of a layer, which is a row; where its values do
/// not fill groups, rows are padded. Assumes that no token is shared between sequences, and no paging.
#[must_use]
pub fn kv_cache(shape: &Shape, batch: u64, tokens: u64, format: &Format) -> u64 {
    shape.layers.iter().map(|layer| layer_cache(layer, batch, tokens, format)).sum()
}

/// The same of one layer.
#[must_use]
pub fn layer_cache(layer: &Layer, batch: u64, tokens: u64, format: &Format) -> u64 {
    if layer.cached == 0 {
        0
    } else {
        format.bytes(batch * layer.remembered(tokens), layer.cached.next_multiple_of(format.group_len()))
    }
}

/// Bytes of logits: a value for each token of the vocabulary, in each of `rows` rows (sequences in a decode step; all tokens in training).
#[must_use]
pub fn logits(rows: u64, vocab: u64, element: u64) -> u64 {
    rows * vocab * element
}

/// The most that one transfer stages, in bytes: 32 MiB, or an eighth of the largest buffer.
const STAGING_LIMIT: u64 = 32 << 20;
/// The least.
const STAGING_LEAST: u64 = 64 << 10;

/// Bytes of the staging buffer for transfers of up to `transfer` bytes in one direction: a power of two from 64 KiB to 32 MiB, kept until
/// it is given back.
#[must_use]
pub fn staging(transfer: u64, max_buffer: u64) -> u64 {
    let limit = (max_buffer / 8 * 8).min(STAGING_LIMIT);
    if transfer == 0 { 0 } else { transfer.next_power_of_two().clamp(STAGING_LEAST.min(limit), limit) }
}
