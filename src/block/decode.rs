//! Decoding: tokens one after the other (or a prompt at once), with keys and values in a cache.

use super::forward::{Block, Parameters};
use super::kernels::{Matrix, Work, check, check_binding, check_element, most_bound};
use super::plan::BlockShape;
use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::{Buffer, Gpu, Window};

/// Sequences whose logits, and hidden states, are a multiple of 256 bytes whatever their width.
const ALIGNED: u64 = 64;

/// The keys and values of one layer for `batch` sequences of up to `capacity` tokens, in F32 or BF16: one buffer, keys before values.
#[derive(Debug)]
pub struct KvCache {
    both: Buffer<u8>,
    // Where the values begin, and the bytes of either.
    values_at: u64,
    bytes: u64,
    element: Element,
    batch: u64,
    capacity: u64,
    filled: u64,
}

impl KvCache {
    /// An empty cache: `kv_cache/<layer>`.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for F16; as [`Gpu::buffer`].
    pub fn new(gpu: &Gpu, shape: &BlockShape, element: Element, [batch, capacity]: [u64; 2], layer: u64) -> Result<Self> {
        check_element(element)?;
        let bytes = batch * capacity * shape.key() * element.bytes();
        let values_at = bytes.next_multiple_of(gpu.limits().min_storage_buffer_offset_alignment);
        let both = gpu.buffer(&format!("kv_cache/{layer}"), values_at + bytes)?;
        Ok(Self { both, values_at, bytes, element, batch, capacity, filled: 0 })
    }

    /// A cache in a buffer that is there, values right behind keys, of which `filled` tokens of each sequence are taken for given.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for F16; [`Error::Shape`] where the buffer is too small, the values do not begin where the device can bind, or more
    /// is filled than there is room for.
    pub fn of(
        gpu: &Gpu,
        shape: &BlockShape,
        both: Buffer<u8>,
        element: Element,
        [batch, capacity]: [u64; 2],
        filled: u64,
    ) -> Result<Self> {
        check_element(element)?;
        let bytes = batch * capacity * shape.key() * element.bytes();
        let alignment = gpu.limits().min_storage_buffer_offset_alignment;
        if both.bytes() < 2 * bytes || !bytes.is_multiple_of(alignment) || filled > capacity {
            return Err(Error::Shape {
                what: both.label().into(),
                want: format!("twice {bytes} bytes, a multiple of {alignment}, and at most {capacity} tokens in them"),
                got: format!("{} bytes, {filled} tokens", both.bytes()),
            });
        }
        Ok(Self { both, values_at: bytes, bytes, element, batch, capacity, filled })
    }

    /// Tokens in it.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.filled
    }

    /// Bytes asked of the device.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.both.bytes()
    }

    fn keys(&self) -> Window<'_> {
        self.both.part(0..self.bytes)
    }

    fn values(&self) -> Window<'_> {
        self.both.part(self.values_at..self.values_at + self.bytes)
    }

    /// Records that the keys and values of `tokens` further tokens of each sequence are put behind those that are there.
    fn put(&self, work: &mut Work<'_>, width: u64, tokens: u64, [k, v]: [&Buffer<f32>; 2]) -> Result<()> {
        if self.element == Element::Bf16 {
            work.store(k.window(), self.keys(), width)?;
            return work.store(v.window(), self.values(), width);
        }
        for (from, at) in [(k, 0), (v, self.values_at / 4)] {
            for sequence in 0..self.batch {
                let place = (sequence * self.capacity + self.filled) * width;
                work.copy(from, sequence * tokens * width, &self.both, at + place, tokens * width);
            }
        }
        Ok(())
    }
}

impl Block {
    /// The output for `tokens` further tokens of each sequence; x is `[batch, tokens, hidden]`. What they need on the way is scratch.
    ///
    /// # Errors
    /// [`Error::Shape`] where the cache has no room for them; as [`Block::forward`].
    pub fn decode(
        &self,
        gpu: &Gpu,
        weights: &Parameters<'_>,
        cache: &mut KvCache,
        x: &Buffer<f32>,
        tokens: u64,
    ) -> Result<Buffer<f32>> {
        let s = &self.shape;
        let (batch, offset) = (cache.batch, cache.filled);
        if offset + tokens > cache.capacity {
            return Err(Error::Shape {
                what: cache.both.label().into(),
                want: format!("room for {} tokens", offset + tokens),
                got: format!("a cache of {}", cache.capacity),
            });
        }
        let (h, rows) = (s.hidden, batch * tokens);
        check_element(weights.element)?;
        self.check_positions(offset + tokens)?;
        check(gpu, s, [batch, tokens, cache.capacity], false)?;
        check_binding(gpu, cache.both.label(), cache.bytes)?;
        let room = |name: &str, width: u64| gpu.buffer::<f32>(&format!("scratch/{name}"), rows * width);
        let (n, q) = (room("n", h)?, room("q", s.query())?);
        let (k, v) = (room("k", s.key())?, room("v", s.key())?);
        let (o, lse) = (room("o", s.query())?, room("lse", s.heads)?);
        let (gate, up, act, y) = (room("gate", s.ff)?, room("up", s.ff)?, room("act", s.ff)?, room("y", h)?);
        let mut work = Work::new(gpu, s, [batch, tokens, cache.capacity, offset]);
        work.norm([x.window(), weights.window("attention_norm"), n.window()], h, weights.element)?;
        for (name, to, width) in [("query", &q, s.query()), ("key", &k, s.key()), ("value", &v, s.key())] {
            let weight = weights.matrix(name, width, h).transposed();
            work.matmul(&Matrix::new(n.window(), rows, h), &weight, to.window(), false)?;
        }
        work.rotate(&self.turns, q.window(), s.query(), 1.0)?;
        work.rotate(&self.turns, k.window(), s.key(), 1.0)?;
        cache.put(&mut work, s.key(), tokens, [&k, &v])?;
        let windows = [("q", q.window()), ("k", cache.keys()), ("v", cache.values()), ("o", o.window()), ("lse", lse.window())];
        work.flash(&windows, batch * s.heads * tokens, cache.element)?;
        work.copy(x, 0, &y, 0, rows * h);
        let output = weights.matrix("output", h, s.query()).transposed();
        work.matmul(&Matrix::new(o.window(), rows, s.query()), &output, y.window(), true)?;
        work.norm([y.window(), weights.window("mlp_norm"), n.window()], h, weights.element)?;
        for (name, to) in [("gate", &gate), ("up", &up)] {
            let weight = weights.matrix(name, s.ff, h).transposed();
            work.matmul(&Matrix::new(n.window(), rows, h), &weight, to.window(), false)?;
        }
        work.each("gate", &[("gate", gate.window()), ("up", up.window()), ("act", act.window())], s.ff)?;
        let down = weights.matrix("down", h, s.ff).transposed();
        work.matmul(&Matrix::new(act.window(), rows, s.ff), &down, y.window(), true)?;
        work.run()?;
        cache.filled += tokens;
        Ok(y)
    }

    /// Logits of a token a sequence: x `[batch, hidden]` normalized by the parameter `norm`, times `head` `[vocab, hidden]` transposed, into
    /// `logits` `[batch, vocab]` in F32.
    ///
    /// # Errors
    /// As [`Block::decode`].
    pub fn logits(
        &self,
        gpu: &Gpu,
        weights: &Parameters<'_>,
        x: &Buffer<f32>,
        [batch, vocab]: [u64; 2],
        logits: &Buffer<u8>,
    ) -> Result<()> {
        let h = self.shape.hidden;
        check_element(weights.element)?;
        check_binding(gpu, "the hidden states", 4 * batch * h)?;
        let n = gpu.buffer::<f32>("scratch/n", batch * h)?;
        let mut work = Work::new(gpu, &self.shape, [batch, 1, 1, 0]);
        work.norm([x.window(), weights.window("norm"), n.window()], h, weights.element)?;
        let head = weights.matrix("head", vocab, h).transposed();
        // As many sequences at once as a binding holds logits of; parts begin where any device can bind.
        let most = most_bound(gpu) / (4 * vocab.max(1));
        let some = if batch <= most { batch } else { most / ALIGNED * ALIGNED };
        if some == 0 {
            check_binding(gpu, "the logits", 4 * vocab * batch.min(ALIGNED))?;
        }
        for first in (0..batch).step_by(some.max(1) as usize) {
            let rows = some.min(batch - first);
            let part = |width: u64| 4 * first * width..4 * (first + rows) * width;
            work.matmul(&Matrix::new(n.part(part(h)), rows, h), &head, logits.part(part(vocab)), false)?;
        }
        work.run().map(drop)
    }
}
