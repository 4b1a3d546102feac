//! What a transformer block keeps for its backward pass. No device is asked: estimates and the block itself read the same list.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The widths of a block of Llama's kind: RMSNorm, attention with grouped heads and rotary positions, SwiGLU, no biases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockShape {
    /// Width of the hidden state, h.
    pub hidden: u64,
    /// Query heads, a.
    pub heads: u64,
    /// Key and value heads.
    pub kv_heads: u64,
    /// Values of a head.
    pub head_dim: u64,
    /// Width of the feed-forward part.
    pub ff: u64,
    /// Whether the feed-forward part is gated (SwiGLU); else it is two matrices and one activation.
    pub gated: bool,
}

/// How attention is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// The whole matrix of probabilities, kept for the backward pass.
    Naive,
    /// A row at a time with a running maximum and sum (Dao et al. 2022); only the logarithm of the sum is kept.
    Flash,
}

/// What is computed again in the backward pass instead of being kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recompute {
    /// Nothing but the statistics of normalizations, which follow from their inputs.
    None,
    /// The probabilities of attention (Korthikanti et al. 2022, section 5); of [`Attention::Flash`] nothing, it does so anyway.
    Selective,
    /// Everything: only the block's input is kept.
    Full,
}

/// A tensor that is kept for the backward pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub name: &'static str,
    /// Its rows.
    pub rows: u64,
    /// Values of a row.
    pub row_len: u64,
    /// Whether its values are F32 whatever the activations are.
    pub statistic: bool,
}

impl Saved {
    /// Values in it.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.rows * self.row_len
    }

    /// Its bytes, where an activation has `element` of them.
    #[must_use]
    pub fn bytes(&self, element: u64) -> u64 {
        self.elements() * if self.statistic { 4 } else { element }
    }
}

impl BlockShape {
    /// Whether a block can be made of it.
    ///
    /// # Errors
    /// [`Error::Shape`] for a width of 0, an odd head, or query heads that are no multiple of the key and value heads.
    pub fn check(&self) -> Result<()> {
        let widths = [self.hidden, self.heads, self.kv_heads, self.head_dim, self.ff];
        let sound =
            widths.iter().all(|w| *w > 0) && self.heads.is_multiple_of(self.kv_heads) && self.head_dim.is_multiple_of(2);
        if sound {
            return Ok(());
        }
        Err(Error::Shape {
            what: "the block".into(),
            want: "widths above 0, an even head, query heads a multiple of the key and value heads".into(),
            got: format!("{self:?}"),
        })
    }

    /// Values of all query heads of a token.
    #[must_use]
    pub fn query(&self) -> u64 {
        self.heads * self.head_dim
    }

    /// Values of all key heads of a token.
    #[must_use]
    pub fn key(&self) -> u64 {
        self.kv_heads * self.head_dim
    }

    /// Its weight matrices by name, `[out, in]`, and its two normalizations.
    #[must_use]
    pub fn weights(&self) -> Vec<(&'static str, [u64; 2])> {
        let (h, q, kv, ff) = (self.hidden, self.query(), self.key(), self.ff);
        let mut weights = vec![
            ("attention_norm", [1, h]),
            ("query", [q, h]),
            ("key", [kv, h]),
            ("value", [kv, h]),
            ("output", [h, q]),
            ("mlp_norm", [1, h]),
        ];
        if self.gated {
            weights.push(("gate", [ff, h]));
        }
        weights.extend([("up", [ff, h]), ("down", [h, ff])]);
        weights
    }

    /// Its parameters.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.weights().iter().map(|(_, [out, into])| out * into).sum()
    }

    /// What one block keeps of `batch` sequences of `tokens` tokens, by name.
    ///
    /// The input of each matrix, and what its non-linear parts need: the input x, its normalization n1, q and k behind their rotation,
    /// v, the attention's output o (all heads), the hidden state behind it x2, its normalization n2, gate and up before and act behind
    /// the activation. Naive attention adds its probabilities, flash attention the logarithm of each row's sum (F32).
    #[must_use]
    pub fn saved(&self, batch: u64, tokens: u64, attention: Attention, recompute: Recompute) -> Vec<Saved> {
        let rows = batch * tokens;
        let of = |name: &'static str, row_len: u64| Saved { name, rows, row_len, statistic: false };
        if recompute == Recompute::Full {
            return vec![of("x", self.hidden)];
        }
        let mut saved = vec![
            of("x", self.hidden),
            of("n1", self.hidden),
            of("q", self.query()),
            of("k", self.key()),
            of("v", self.key()),
            of("o", self.query()),
            of("x2", self.hidden),
            of("n2", self.hidden),
        ];
        if self.gated {
            saved.push(of("gate", self.ff));
        }
        saved.extend([of("up", self.ff), of("act", self.ff)]);
        match (attention, recompute) {
            (Attention::Naive, Recompute::None) => {
                saved.push(Saved { name: "p", rows: batch * self.heads * tokens, row_len: tokens, statistic: false });
            }
            (Attention::Flash, _) => {
                saved.push(Saved { name: "lse", rows: batch * self.heads, row_len: tokens, statistic: true });
            }
            _ => {}
        }
        saved
    }

    /// Values that the backward pass of one block has beside what was kept: gradients of what the forward pass made, of which a
    /// block of the layer behind takes its place, and what is computed again. Its input's gradient is among them.
    #[must_use]
    pub fn working(&self, batch: u64, tokens: u64, attention: Attention, recompute: Recompute) -> u64 {
        let rows = batch * tokens;
        let gated = if self.gated { 2 } else { 1 };
        // d_gate, d_up; d_n2, d_x2, d_n1, d_x; d_o, d_q; d_k, d_v; a statistic a row.
        let gradients = rows * (gated * self.ff + 4 * self.hidden + 2 * self.query() + 2 * self.key() + 1);
        let scores = match attention {
            Attention::Naive => batch * self.heads * tokens * tokens,
            Attention::Flash => batch * self.heads * tokens,
        };
        let all = |recompute| self.saved(batch, tokens, attention, recompute).iter().map(Saved::elements).sum::<u64>();
        gradients + scores + all(Recompute::None) - all(recompute)
    }
}
