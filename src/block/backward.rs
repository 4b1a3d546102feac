//! The backward pass. What is not kept is computed again, in scratch; so are the statistics of normalizations.

use super::forward::{Block, Kept, Parameters, Tensors};
use super::kernels::{Matrix, Work};
use super::plan::{Attention, Recompute};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Window};

impl Block {
    /// The gradient of the block's input, from that of its output; those of the weights are written to `gradients`. Both in F32.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for weights that are not in F32; as [`Block::forward`].
    pub fn backward(
        &self,
        gpu: &Gpu,
        weights: &Parameters<'_>,
        kept: &Kept,
        dy: &Buffer<f32>,
        gradients: &Parameters<'_>,
    ) -> Result<Buffer<f32>> {
        if !weights.are_f32() || !gradients.are_f32() {
            return Err(Error::Unsupported {
                what: "a backward pass".into(),
                need: "weights and gradients in F32".into(),
                have: "BF16, or a format's codes".into(),
            });
        }
        let again = self.again(gpu, weights, kept)?;
        let s = &self.shape;
        let (batch, tokens, layer) = (kept.batch, kept.tokens, kept.layer);
        let (h, ff, rows) = (s.hidden, s.ff, batch * tokens);
        let t = |name: &str| if again.has(name) { again.window(name) } else { kept.tensors.window(name) };
        let room = |name: &str, len: u64| gpu.buffer::<f32>(&format!("scratch/{layer}.{name}"), len);
        let mut work = Work::new(gpu, s, [batch, tokens, tokens, 0]);

        // y = x2 + act down', act = silu(gate) up, gate = n2 gate_weight', up = n2 up_weight'.
        let d_gate = room("d_gate", rows * ff)?;
        let d_up = room("d_up", rows * ff)?;
        let d_n2 = room("d_n2", rows * h)?;
        let outer = |a: Window<'_>, m: u64, b: Window<'_>, n: u64, c: Window<'_>, work: &mut Work<'_>| {
            work.matmul(&Matrix::new(a, rows, m).transposed(), &Matrix::new(b, rows, n), c, false)
        };
        outer(dy.window(), h, t("act"), ff, gradients.window("down"), &mut work)?;
        work.matmul(&Matrix::new(dy.window(), rows, h), &Matrix::new(weights.window("down"), h, ff), d_up.window(), false)?;
        let windows = [("gate", t("gate")), ("up", t("up")), ("dgate", d_gate.window()), ("dup", d_up.window())];
        work.each("gate_back", &windows, ff)?;
        for (name, d, add) in [("gate", &d_gate, false), ("up", &d_up, true)] {
            outer(d.window(), ff, t("n2"), h, gradients.window(name), &mut work)?;
            work.matmul(&Matrix::new(d.window(), rows, ff), &Matrix::new(weights.window(name), ff, h), d_n2.window(), add)?;
        }
        let (d_x2, r) = (room("d_x2", rows * h)?, room("r", rows)?);
        work.copy(dy, 0, &d_x2, 0, rows * h);
        let norm = "mlp_norm";
        let windows = [t("x2"), weights.window(norm), d_n2.window(), d_x2.window(), r.window(), gradients.window(norm)];
        work.norm_back(windows, h)?;

        // x2 = x + o output'.
        let d_o = room("d_o", rows * s.query())?;
        outer(d_x2.window(), h, t("o"), s.query(), gradients.window("output"), &mut work)?;
        let output = Matrix::new(weights.window("output"), h, s.query());
        work.matmul(&Matrix::new(d_x2.window(), rows, h), &output, d_o.window(), false)?;
        let d_q = room("d_q", rows * s.query())?;
        let (d_k, d_v) = (room("d_k", rows * s.key())?, room("d_v", rows * s.key())?);
        let (queries, keys) = (batch * s.heads * tokens, batch * tokens * s.kv_heads);
        let d_o = d_o.window();
        // Gradients of scores, or of each row's sum. Like all of them it stays until the work is done, on the ledger as on the device.
        let naive = self.attention == Attention::Naive;
        let ds = room(if naive { "d_s" } else { "delta" }, if naive { queries * tokens } else { queries })?;
        if naive {
            work.heads(
                "scores_back",
                &[("p", t("p")), ("v", t("v")), ("dout", d_o.clone()), ("ds", ds.window())],
                queries,
                true,
            )?;
            work.heads("mix", &[("weights", ds.window()), ("x", t("k")), ("y", d_q.window())], queries * s.head_dim, false)?;
            let (of_v, of_k) = (
                [("weights", t("p")), ("x", d_o), ("y", d_v.window())],
                [("weights", ds.window()), ("x", t("q")), ("y", d_k.window())],
            );
            work.heads("mix_back", &of_v, keys * s.head_dim, false)?;
            work.heads("mix_back", &of_k, keys * s.head_dim, false)?;
        } else {
            let all = [
                ("q", t("q")),
                ("k", t("k")),
                ("v", t("v")),
                ("o", t("o")),
                ("dout", d_o),
                ("lse", t("lse")),
                ("delta", ds.window()),
                ("dq", d_q.window()),
                ("dk", d_k.window()),
                ("dv", d_v.window()),
            ];
            let of = |names: &[&str]| all.iter().filter(|(name, _)| names.contains(name)).cloned().collect::<Vec<_>>();
            work.heads("flash_back_query", &of(&["q", "k", "v", "o", "dout", "lse", "delta", "dq"]), queries, true)?;
            work.heads("flash_back_key", &of(&["q", "k", "v", "dout", "lse", "delta", "dk", "dv"]), keys, true)?;
        }
        work.rotate(&self.turns, d_q.window(), s.query(), -1.0)?;
        work.rotate(&self.turns, d_k.window(), s.key(), -1.0)?;

        // q, k, v = n1 times their weights, n1 = norm(x).
        let d_n1 = room("d_n1", rows * h)?;
        for (i, (name, d, width)) in
            [("query", &d_q, s.query()), ("key", &d_k, s.key()), ("value", &d_v, s.key())].into_iter().enumerate()
        {
            outer(d.window(), width, t("n1"), h, gradients.window(name), &mut work)?;
            let weight = Matrix::new(weights.window(name), width, h);
            work.matmul(&Matrix::new(d.window(), rows, width), &weight, d_n1.window(), i > 0)?;
        }
        let dx = gpu.buffer(&format!("scratch/{layer}.d_x"), rows * h)?;
        work.copy(&d_x2, 0, &dx, 0, rows * h);
        let norm = "attention_norm";
        let windows = [t("x"), weights.window(norm), d_n1.window(), dx.window(), r.window(), gradients.window(norm)];
        work.norm_back(windows, h)?;
        work.run()?;
        Ok(dx)
    }

    /// What the forward pass did not keep.
    fn again(&self, gpu: &Gpu, weights: &Parameters<'_>, kept: &Kept) -> Result<Tensors> {
        let (batch, tokens, layer) = (kept.batch, kept.tokens, kept.layer);
        match (self.recompute, self.attention) {
            (Recompute::Full, _) => {
                let label = |name: &str| format!("scratch/{layer}.{name}");
                self.compute(gpu, weights, kept.tensors.get("x"), [batch, tokens], &label)
            }
            (Recompute::Selective, Attention::Naive) => {
                let queries = batch * self.shape.heads * tokens;
                let p = gpu.buffer(&format!("scratch/{layer}.p"), queries * tokens)?;
                let mut work = Work::new(gpu, &self.shape, [batch, tokens, tokens, 0]);
                let windows = [("q", kept.tensors.window("q")), ("k", kept.tensors.window("k")), ("p", p.window())];
                work.heads("scores", &windows, queries, true)?;
                work.run()?;
                Ok(Tensors(vec![("p", p)]))
            }
            _ => Ok(Tensors::default()),
        }
    }
}
