//! The block in plain Rust and f64: every tensor by name, forward and backward, as the formulas are written.

use std::collections::BTreeMap;

use super::plan::BlockShape;
use super::{EPSILON, rotations};

/// Tensors by name, row-major.
type Named = BTreeMap<&'static str, Vec<f64>>;

/// A block with its weights ([`BlockShape::weights`]).
#[derive(Clone, Debug)]
pub struct BlockTwin {
    /// Its widths; gated.
    pub shape: BlockShape,
    /// Its weights by name.
    pub weights: Named,
}

/// What a forward pass leaves: every tensor that could be kept, and the output y.
#[derive(Clone, Debug)]
pub struct KeptTwin {
    /// Tensors by the names of [`BlockShape::saved`], and `y`.
    pub tensors: Named,
    batch: usize,
    tokens: usize,
}

/// a [m, k] times b [n, k] transposed.
fn times_transposed(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
    let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum();
    a.chunks(k).flat_map(|row| b.chunks(k).map(move |column| dot(row, column))).collect()
}

/// a [m, k] times b [k, n].
fn times(a: &[f64], b: &[f64], k: usize) -> Vec<f64> {
    let n = b.len() / k;
    let mut out = vec![0.0; a.len() / k * n];
    for (row, sums) in a.chunks(k).zip(out.chunks_mut(n)) {
        for (x, column) in row.iter().zip(b.chunks(n)) {
            sums.iter_mut().zip(column).for_each(|(sum, y)| *sum += x * y);
        }
    }
    out
}

/// a [rows, m] transposed times b [rows, n].
fn transposed_times(a: &[f64], b: &[f64], rows: usize) -> Vec<f64> {
    let (m, n) = (a.len() / rows, b.len() / rows);
    let mut out = vec![0.0; m * n];
    for (left, right) in a.chunks(m).zip(b.chunks(n)) {
        for (x, sums) in left.iter().zip(out.chunks_mut(n)) {
            sums.iter_mut().zip(right).for_each(|(sum, y)| *sum += x * y);
        }
    }
    out
}

fn sum(mut a: Vec<f64>, b: &[f64]) -> Vec<f64> {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
    a
}

fn rstd(row: &[f64]) -> f64 {
    (row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64 + EPSILON).sqrt().recip()
}

fn norm(x: &[f64], weight: &[f64]) -> Vec<f64> {
    let of = |row: &[f64]| {
        let scale = rstd(row);
        row.iter().zip(weight).map(|(x, w)| x * scale * w).collect::<Vec<_>>()
    };
    x.chunks(weight.len()).flat_map(of).collect()
}

/// The gradients of a normalization's input and weight.
fn norm_back(x: &[f64], weight: &[f64], dn: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let h = weight.len();
    let (mut dx, mut dw) = (Vec::with_capacity(x.len()), vec![0.0; h]);
    for (x, dn) in x.chunks(h).zip(dn.chunks(h)) {
        let r = rstd(x);
        let mean = (0..h).map(|i| dn[i] * weight[i] * x[i]).sum::<f64>() / h as f64;
        for i in 0..h {
            dx.push(r * (dn[i] * weight[i] - x[i] * r * r * mean));
            dw[i] += dn[i] * x[i] * r;
        }
    }
    (dx, dw)
}

/// Turns the heads of rows that stand at their position in a sequence; back with sign -1.
fn turn(values: &mut [f64], width: usize, dim: usize, tokens: usize, sign: f64) {
    let half = dim / 2;
    let table = rotations(dim as u64, tokens as u64);
    for (row, heads) in values.chunks_mut(width).enumerate() {
        for head in heads.chunks_mut(dim) {
            for i in 0..half {
                let [cos, sin] = table[row % tokens * half + i];
                let (a, b) = (head[i], head[i + half]);
                head[i] = a * cos - sign * b * sin;
                head[i + half] = b * cos + sign * a * sin;
            }
        }
    }
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

impl BlockTwin {
    /// Where the values of a head begin in a tensor of heads, and where those of the key head that serves it do.
    fn places(&self, row: usize, head: usize) -> (usize, usize) {
        let s = &self.shape;
        let (heads, kv, dim) = (s.heads as usize, s.kv_heads as usize, s.head_dim as usize);
        ((row * heads + head) * dim, (row * kv + head / (heads / kv)) * dim)
    }

    /// Calls `of` with (sequence and head, query row, key row) for each key that a query sees.
    fn each_pair(&self, batch: usize, tokens: usize, mut of: impl FnMut(usize, usize, usize, usize)) {
        for (b, head) in (0..batch).flat_map(|b| (0..self.shape.heads as usize).map(move |head| (b, head))) {
            for i in 0..tokens {
                for j in 0..=i {
                    of(
                        ((b * self.shape.heads as usize + head) * tokens + i) * tokens + j,
                        head,
                        b * tokens + i,
                        b * tokens + j,
                    );
                }
            }
        }
    }

    /// The forward pass of x, `[batch, tokens, hidden]`.
    #[must_use]
    pub fn forward(&self, x: &[f64], batch: usize, tokens: usize) -> KeptTwin {
        let (s, w) = (&self.shape, |name: &str| self.weights[name].as_slice());
        let (h, dim) = (s.hidden as usize, s.head_dim as usize);
        let n1 = norm(x, w("attention_norm"));
        let [mut q, mut k, v] = ["query", "key", "value"].map(|name| times_transposed(&n1, w(name), h));
        turn(&mut q, s.query() as usize, dim, tokens, 1.0);
        turn(&mut k, s.key() as usize, dim, tokens, 1.0);
        let mut p = vec![0.0; batch * s.heads as usize * tokens * tokens];
        let scale = (dim as f64).sqrt().recip();
        self.each_pair(batch, tokens, |at, head, i, j| {
            let (query, key) = (self.places(i, head).0, self.places(j, head).1);
            p[at] = (0..dim).map(|c| q[query + c] * k[key + c]).sum::<f64>() * scale;
        });
        let mut lse = Vec::with_capacity(p.len() / tokens);
        for (row, scores) in p.chunks_mut(tokens).enumerate() {
            let seen = &mut scores[..=row % tokens];
            let most = seen.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = seen.iter().map(|score| (score - most).exp()).sum();
            lse.push(most + sum.ln());
            seen.iter_mut().for_each(|score| *score = (*score - most).exp() / sum);
        }
        let mut o = vec![0.0; q.len()];
        self.each_pair(batch, tokens, |at, head, i, j| {
            let (out, value) = (self.places(i, head).0, self.places(j, head).1);
            (0..dim).for_each(|c| o[out + c] += p[at] * v[value + c]);
        });
        let x2 = sum(times_transposed(&o, w("output"), s.query() as usize), x);
        let n2 = norm(&x2, w("mlp_norm"));
        let [gate, up] = ["gate", "up"].map(|name| times_transposed(&n2, w(name), h));
        let act: Vec<f64> = gate.iter().zip(&up).map(|(gate, up)| gate * logistic(*gate) * up).collect();
        let y = sum(times_transposed(&act, w("down"), s.ff as usize), &x2);
        let x = x.to_vec();
        let all = [("x", x), ("n1", n1), ("q", q), ("k", k), ("v", v), ("p", p), ("lse", lse), ("o", o), ("x2", x2)];
        let rest = [("n2", n2), ("gate", gate), ("up", up), ("act", act), ("y", y)];
        KeptTwin { tensors: all.into_iter().chain(rest).collect(), batch, tokens }
    }

    /// The gradients of the input and of each weight, from that of the output.
    #[must_use]
    pub fn backward(&self, kept: &KeptTwin, dy: &[f64]) -> (Vec<f64>, Named) {
        let (s, w) = (&self.shape, |name: &str| self.weights[name].as_slice());
        let t = |name: &str| kept.tensors[name].as_slice();
        let (h, ff, dim, rows) = (s.hidden as usize, s.ff as usize, s.head_dim as usize, kept.batch * kept.tokens);
        let mut grads = Named::new();

        grads.insert("down", transposed_times(dy, t("act"), rows));
        let d_act = times(dy, w("down"), h);
        let (mut d_gate, mut d_up) = (Vec::with_capacity(d_act.len()), Vec::with_capacity(d_act.len()));
        for ((d, gate), up) in d_act.iter().zip(t("gate")).zip(t("up")) {
            let share = logistic(*gate);
            d_gate.push(d * up * share * (1.0 + gate * (1.0 - share)));
            d_up.push(d * gate * share);
        }
        grads.insert("gate", transposed_times(&d_gate, t("n2"), rows));
        grads.insert("up", transposed_times(&d_up, t("n2"), rows));
        let d_n2 = sum(times(&d_gate, w("gate"), ff), &times(&d_up, w("up"), ff));
        let (through, d_norm) = norm_back(t("x2"), w("mlp_norm"), &d_n2);
        grads.insert("mlp_norm", d_norm);
        let d_x2 = sum(through, dy);

        grads.insert("output", transposed_times(&d_x2, t("o"), rows));
        let d_o = times(&d_x2, w("output"), h);
        let (q, k, v, p) = (t("q"), t("k"), t("v"), t("p"));
        let mut d_p = vec![0.0; p.len()];
        let mut d_v = vec![0.0; v.len()];
        self.each_pair(kept.batch, kept.tokens, |at, head, i, j| {
            let (out, value) = (self.places(i, head).0, self.places(j, head).1);
            d_p[at] = (0..dim).map(|c| d_o[out + c] * v[value + c]).sum();
            (0..dim).for_each(|c| d_v[value + c] += p[at] * d_o[out + c]);
        });
        let (mut d_q, mut d_k) = (vec![0.0; q.len()], vec![0.0; k.len()]);
        let dots: Vec<f64> = p
            .chunks(kept.tokens)
            .zip(d_p.chunks(kept.tokens))
            .map(|(p, d)| p.iter().zip(d).map(|(p, d)| p * d).sum())
            .collect();
        let scale = (dim as f64).sqrt().recip();
        self.each_pair(kept.batch, kept.tokens, |at, head, i, j| {
            let d_s = p[at] * (d_p[at] - dots[at / kept.tokens]) * scale;
            let (query, key) = (self.places(i, head).0, self.places(j, head).1);
            for c in 0..dim {
                d_q[query + c] += d_s * k[key + c];
                d_k[key + c] += d_s * q[query + c];
            }
        });
        turn(&mut d_q, s.query() as usize, dim, kept.tokens, -1.0);
        turn(&mut d_k, s.key() as usize, dim, kept.tokens, -1.0);
        let mut d_n1 = vec![0.0; rows * h];
        for (name, d, width) in [("query", &d_q, s.query()), ("key", &d_k, s.key()), ("value", &d_v, s.key())] {
            grads.insert(name, transposed_times(d, t("n1"), rows));
            d_n1 = sum(d_n1, &times(d, w(name), width as usize));
        }
        let (through, d_norm) = norm_back(t("x"), w("attention_norm"), &d_n1);
        grads.insert("attention_norm", d_norm);
        (sum(through, &d_x2), grads)
    }
}
