//! Decoding: tokens one after the other (or a prompt at once), with keys and values in a cache.

use super::forward::{Block, Parameters};
use super::kernels::{Matrix, Work, check};
use super::plan::BlockShape;
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu};

/// The keys and values of one layer for `batch` sequences of up to `capacity` tokens: `kv_cache/<layer>.k` and `.v`, F32.
#[derive(Debug)]
pub struct KvCache {
    k: Buffer<f32>,
    v: Buffer<f32>,
    batch: u64,
    capacity: u64,
    filled: u64,
}

impl KvCache {
    /// An empty cache.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn new(gpu: &Gpu, shape: &BlockShape, batch: u64, capacity: u64, layer: u64) -> Result<Self> {
        let room = |name: &str| gpu.buffer(&format!("kv_cache/{layer}.{name}"), batch * capacity * shape.key());
        Ok(Self { k: room("k")?, v: room("v")?, batch, capacity, filled: 0 })
    }

    /// Tokens in it.
    #[must_use]
    pub fn tokens(&self) -> u64 {
        self.filled
    }

    /// Bytes asked of the device.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.k.bytes() + self.v.bytes()
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
                what: cache.k.label().into(),
                want: format!("room for {} tokens", offset + tokens),
                got: format!("a cache of {}", cache.capacity),
            });
        }
        let (h, rows) = (s.hidden, batch * tokens);
        self.check_positions(offset + tokens)?;
        check(gpu, s, [batch, tokens, cache.capacity], false)?;
        let room = |name: &str, width: u64| gpu.buffer::<f32>(&format!("scratch/{name}"), rows * width);
        let (n, q) = (room("n", h)?, room("q", s.query())?);
        let (k, v) = (room("k", s.key())?, room("v", s.key())?);
        let (o, lse) = (room("o", s.query())?, room("lse", s.heads)?);
        let (gate, up, y) = (room("gate", s.ff)?, room("up", s.ff)?, room("y", h)?);
        let mut work = Work::new(gpu, s, [batch, tokens, cache.capacity, offset]);
        work.norm(x.window(), weights.window("attention_norm"), n.window(), h)?;
        for (name, to, width) in [("query", &q, s.query()), ("key", &k, s.key()), ("value", &v, s.key())] {
            let weight = Matrix::new(weights.window(name), width, h).transposed();
            work.matmul(&Matrix::new(n.window(), rows, h), &weight, to.window(), false)?;
        }
        work.rotate(&self.turns, q.window(), s.query(), 1.0)?;
        work.rotate(&self.turns, k.window(), s.key(), 1.0)?;
        for sequence in 0..batch {
            let (from, to) = (sequence * tokens * s.key(), (sequence * cache.capacity + offset) * s.key());
            work.copy(&k, from, &cache.k, to, tokens * s.key());
            work.copy(&v, from, &cache.v, to, tokens * s.key());
        }
        let windows =
            [("q", q.window()), ("k", cache.k.window()), ("v", cache.v.window()), ("o", o.window()), ("lse", lse.window())];
        work.heads("flash", &windows, batch * s.heads * tokens, true)?;
        work.copy(x, 0, &y, 0, rows * h);
        let output = Matrix::new(weights.window("output"), h, s.query()).transposed();
        work.matmul(&Matrix::new(o.window(), rows, s.query()), &output, y.window(), true)?;
        work.norm(y.window(), weights.window("mlp_norm"), n.window(), h)?;
        for (name, to) in [("gate", &gate), ("up", &up)] {
            let weight = Matrix::new(weights.window(name), s.ff, h).transposed();
            work.matmul(&Matrix::new(n.window(), rows, h), &weight, to.window(), false)?;
        }
        let act = room("act", s.ff)?;
        work.each("gate", &[("gate", gate.window()), ("up", up.window()), ("act", act.window())], s.ff)?;
        let down = Matrix::new(weights.window("down"), h, s.ff).transposed();
        work.matmul(&Matrix::new(act.window(), rows, s.ff), &down, y.window(), true)?;
        work.run()?;
        cache.filled += tokens;
        Ok(y)
    }
}
