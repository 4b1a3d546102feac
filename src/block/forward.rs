//! The forward pass: what it keeps lies under `activation/<layer>.<name>`, all else is scratch and goes at its end.

use super::coded::Coded;
use super::kernels::{Matrix, Work, check, check_element, turns};
use super::plan::{Attention, BlockShape, Recompute, Saved};
use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::{Buffer, Gpu, Window};

/// A block's weights, or the gradients of them, on a device: one for each name of [`BlockShape::weights`].
#[derive(Clone, Debug)]
pub struct Parameters<'a> {
    windows: Vec<(&'static str, Window<'a>)>,
    coded: Vec<(&'static str, Coded<'a>)>,
    pub(super) element: Element,
}

impl<'a> Parameters<'a> {
    /// Windows by name, F32; each must begin where the device can bind.
    pub fn new(windows: impl IntoIterator<Item = (&'static str, Window<'a>)>) -> Self {
        Self { windows: windows.into_iter().collect(), coded: vec![], element: Element::F32 }
    }

    /// The same of values that are stored as `element`: F32, or BF16 for a forward or a decode step.
    #[must_use]
    pub fn stored(self, element: Element) -> Self {
        Self { element, ..self }
    }

    /// With matrices in a format's codes, for a forward or a decode step.
    #[must_use]
    pub fn coded(mut self, matrices: impl IntoIterator<Item = (&'static str, Coded<'a>)>) -> Self {
        self.coded.extend(matrices);
        self
    }

    /// A matrix of `[rows, columns]`.
    pub(super) fn matrix(&self, name: &str, rows: u64, columns: u64) -> Matrix<'a> {
        match self.coded.iter().find(|(known, _)| *known == name) {
            Some((_, coded)) => Matrix::coded(coded.clone(), rows, columns),
            None => Matrix::plain(self.window(name), self.element, rows, columns),
        }
    }

    /// Whether all are in F32.
    pub(super) fn are_f32(&self) -> bool {
        self.element == Element::F32 && self.coded.is_empty()
    }

    /// The window of a name that is not coded.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn window(&self, name: &str) -> Window<'a> {
        let found = self.windows.iter().find(|(known, _)| *known == name);
        found.unwrap_or_else(|| panic!("the block has no parameter {name:?}")).1.clone()
    }
}

/// How blocks of one shape are computed on a device.
#[derive(Debug)]
pub struct Block {
    /// Their widths.
    pub shape: BlockShape,
    /// How attention is computed.
    pub attention: Attention,
    /// What is computed again in the backward pass.
    pub recompute: Recompute,
    pub(super) turns: Buffer<f32>,
    positions: u64,
}

/// Tensors on a device by name.
#[derive(Debug, Default)]
pub(super) struct Tensors(pub Vec<(&'static str, Buffer<f32>)>);

impl Tensors {
    pub(super) fn get(&self, name: &str) -> &Buffer<f32> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        &found.unwrap_or_else(|| unreachable!("no tensor {name}")).1
    }

    pub(super) fn window(&self, name: &str) -> Window<'_> {
        self.get(name).window()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| *known == name)
    }
}

/// What a forward pass keeps for the backward pass.
#[derive(Debug)]
pub struct Kept {
    pub(super) tensors: Tensors,
    pub(super) batch: u64,
    pub(super) tokens: u64,
    /// Which layer it is of.
    pub layer: u64,
}

impl Kept {
    /// Bytes asked of the device.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.tensors.0.iter().map(|(_, buffer)| buffer.bytes()).sum()
    }

    /// Its tensors by name, with their bytes.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.tensors.0.iter().map(|(name, buffer)| (*name, buffer.bytes()))
    }

    /// A tensor, where it is kept.
    #[must_use]
    pub fn tensor(&self, name: &str) -> Option<&Buffer<f32>> {
        self.tensors.0.iter().find(|(known, _)| *known == name).map(|(_, buffer)| buffer)
    }
}

impl Block {
    /// Prepares blocks of a shape for sequences of up to `positions` tokens.
    ///
    /// # Errors
    /// As [`BlockShape::check`]; [`crate::Error::Shape`] for a head of more than 512 values; as [`Gpu::buffer`].
    pub fn new(gpu: &Gpu, shape: BlockShape, attention: Attention, recompute: Recompute, positions: u64) -> Result<Self> {
        check(gpu, &shape, [1; 3], false)?;
        Ok(Self { shape, attention, recompute, turns: turns(gpu, &shape, positions)?, positions })
    }

    /// Whether there are rotations for so many tokens of a sequence.
    pub(super) fn check_positions(&self, tokens: u64) -> Result<()> {
        if tokens <= self.positions {
            return Ok(());
        }
        Err(Error::Shape {
            what: "a sequence".into(),
            want: format!("at most the {} positions that the block was made for", self.positions),
            got: format!("{tokens} tokens"),
        })
    }

    /// The block's output y, the input of the layer behind, and what the backward pass needs. x is `[batch, tokens, hidden]`.
    ///
    /// # Errors
    /// [`Error::Shape`] for more tokens than positions, and as [`Coded::check`] or for codes of another size; [`Error::TooLarge`] where a tensor is larger than a binding may be; as [`Gpu::buffer`] and [`crate::gpu::Recording::run`].
    pub fn forward(
        &self,
        gpu: &Gpu,
        weights: &Parameters<'_>,
        x: Buffer<f32>,
        [batch, tokens]: [u64; 2],
        layer: u64,
    ) -> Result<(Kept, Buffer<f32>)> {
        self.check_positions(tokens)?;
        check(gpu, &self.shape, [batch, tokens, tokens], self.attention == Attention::Naive)?;
        let saved = self.shape.saved(batch, tokens, self.attention, self.recompute);
        let label = |name: &str| {
            let kept = saved.iter().any(|s| s.name == name);
            format!("{}/{layer}.{name}", if kept { "activation" } else { "scratch" })
        };
        let mut tensors = self.compute(gpu, weights, &x, [batch, tokens], &label)?;
        let y = gpu.buffer(&format!("activation/{}.x", layer + 1), batch * tokens * self.shape.hidden)?;
        self.last(gpu, weights, &tensors, &y, [batch, tokens])?;
        tensors.0.push(("x", x));
        tensors.0.retain(|(name, _)| saved.iter().any(|s| s.name == *name));
        Ok((Kept { tensors, batch, tokens, layer }, y))
    }

    /// Every tensor between the block's input and its output, under the labels that are asked for.
    pub(super) fn compute(
        &self,
        gpu: &Gpu,
        weights: &Parameters<'_>,
        x: &Buffer<f32>,
        [batch, tokens]: [u64; 2],
        label: &dyn Fn(&str) -> String,
    ) -> Result<Tensors> {
        let s = &self.shape;
        let (h, rows) = (s.hidden, batch * tokens);
        let mut all = s.saved(batch, tokens, self.attention, Recompute::None);
        all.retain(|saved| saved.name != "x");
        let room = |saved: &Saved| Ok((saved.name, gpu.buffer(&label(saved.name), saved.elements())?));
        let t = Tensors(all.iter().map(room).collect::<Result<_>>()?);
        check_element(weights.element)?;
        let mut work = Work::new(gpu, s, [batch, tokens, tokens, 0]);
        work.norm([x.window(), weights.window("attention_norm"), t.window("n1")], h, weights.element)?;
        for (name, weight, width) in [("q", "query", s.query()), ("k", "key", s.key()), ("v", "value", s.key())] {
            let weight = weights.matrix(weight, width, h).transposed();
            work.matmul(&Matrix::new(t.window("n1"), rows, h), &weight, t.window(name), false)?;
        }
        work.rotate(&self.turns, t.window("q"), s.query(), 1.0)?;
        work.rotate(&self.turns, t.window("k"), s.key(), 1.0)?;
        let queries = batch * s.heads * tokens;
        if self.attention == Attention::Naive {
            let windows = [("q", t.window("q")), ("k", t.window("k")), ("p", t.window("p"))];
            work.heads("scores", &windows, queries, true)?;
            let windows = [("weights", t.window("p")), ("x", t.window("v")), ("y", t.window("o"))];
            work.heads("mix", &windows, queries * s.head_dim, false)?;
        } else {
            let windows = ["q", "k", "v", "o", "lse"].map(|name| (name, t.window(name)));
            work.flash(&windows, queries, Element::F32)?;
        }
        work.copy(x, 0, t.get("x2"), 0, rows * h);
        let output = weights.matrix("output", h, s.query()).transposed();
        work.matmul(&Matrix::new(t.window("o"), rows, s.query()), &output, t.window("x2"), true)?;
        work.norm([t.window("x2"), weights.window("mlp_norm"), t.window("n2")], h, weights.element)?;
        for name in ["gate", "up"] {
            let weight = weights.matrix(name, s.ff, h).transposed();
            work.matmul(&Matrix::new(t.window("n2"), rows, h), &weight, t.window(name), false)?;
        }
        work.each("gate", &["gate", "up", "act"].map(|name| (name, t.window(name))), s.ff)?;
        work.run()?;
        Ok(t)
    }

    /// y = x2 + act down'.
    fn last(&self, gpu: &Gpu, weights: &Parameters<'_>, t: &Tensors, y: &Buffer<f32>, [batch, tokens]: [u64; 2]) -> Result<()> {
        let (h, ff, rows) = (self.shape.hidden, self.shape.ff, batch * tokens);
        let mut work = Work::new(gpu, &self.shape, [batch, tokens, tokens, 0]);
        work.copy(t.get("x2"), 0, y, 0, rows * h);
        let down = weights.matrix("down", h, ff).transposed();
        work.matmul(&Matrix::new(t.window("act"), rows, ff), &down, y.window(), true)?;
        work.run().map(drop)
    }
}
