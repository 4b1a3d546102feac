//! Decoders of Llama's kind: attention with grouped heads, a feed-forward part or experts, normalizations before or around them.

use super::{Layer, Shape, Tensors};
use crate::footprint::class::Class;

/// What tells such models apart.
pub(super) struct Decoder {
    pub hidden: u64,
    pub vocab: u64,
    pub positions: Option<u64>,
    pub heads: u64,
    pub kv_heads: u64,
    pub head_dim: u64,
    /// Biases of Q, K and V; of the output projection.
    pub qkv_bias: bool,
    pub out_bias: bool,
    /// Normalizations of each query and key, over so many values.
    pub qk_norm: Option<u64>,
    /// Normalizations a layer over the hidden state.
    pub norms: usize,
    /// Whether they are LayerNorm, with biases.
    pub layer_norm: bool,
    pub tied: bool,
    pub head_bias: bool,
    /// For each layer its feed-forward part and its window.
    pub layers: Vec<(Mlp, Option<u64>)>,
}

/// The normalizations of a layer over the hidden state: one, two or (Gemma 2 and 3) four of them.
const NORMS: [&str; 4] =
    ["input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"];

/// A feed-forward part.
#[derive(Clone, Copy)]
pub(super) enum Mlp {
    Gated { width: u64, bias: bool },
    Plain { width: u64, bias: bool },
    Experts(Experts),
}

/// Experts of which a router chooses some.
#[derive(Clone, Copy)]
pub(super) struct Experts {
    pub all: u64,
    pub used: u64,
    pub width: u64,
    /// The width of the expert that every token takes, and whether it has a gate of its own.
    pub shared: Option<(u64, bool)>,
    /// A bias that corrects the router's scores.
    pub score_bias: bool,
}

impl Decoder {
    pub(super) fn shape(&self, model_type: &str) -> Shape {
        let (h, mut t) = (self.hidden, Tensors::default());
        t.add("model.embed_tokens.weight", Class::Embedding, &[self.vocab, h]);
        let mut layers = Vec::new();
        for (i, (mlp, window)) in self.layers.iter().enumerate() {
            t.enter(i as u64, "model.layers");
            self.attention(&mut t);
            mlp.tensors(&mut t, h);
            for name in &NORMS[..self.norms] {
                t.norm(name, h, self.layer_norm);
            }
            layers.push(Layer {
                heads: self.heads,
                kv_heads: self.kv_heads,
                head_dim: self.head_dim,
                cached: 2 * self.kv_heads * self.head_dim,
                window: *window,
                ff: mlp.width(),
                gated: !matches!(mlp, Mlp::Plain { .. }),
            });
        }
        t.leave();
        t.norm("model.norm", h, self.layer_norm);
        if !self.tied {
            t.add("lm_head.weight", Class::Head, &[self.vocab, h]);
        }
        if self.head_bias {
            t.add("lm_head.bias", Class::Bias, &[self.vocab]);
        }
        Shape {
            name: model_type.into(),
            model_type: model_type.into(),
            tensors: t.all,
            layers,
            hidden: h,
            vocab: self.vocab,
            positions: self.positions,
            further: 0,
        }
    }

    fn attention(&self, t: &mut Tensors) {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        t.linear("self_attn.q_proj", Class::Attention, q, self.hidden, self.qkv_bias);
        t.linear("self_attn.k_proj", Class::Attention, kv, self.hidden, self.qkv_bias);
        t.linear("self_attn.v_proj", Class::Attention, kv, self.hidden, self.qkv_bias);
        t.linear("self_attn.o_proj", Class::Attention, self.hidden, q, self.out_bias);
        if let Some(width) = self.qk_norm {
            t.norm("self_attn.q_norm", width, self.layer_norm);
            t.norm("self_attn.k_norm", width, self.layer_norm);
        }
    }
}

impl Mlp {
    /// Width that a token goes through.
    pub(super) fn width(&self) -> u64 {
        match self {
            Self::Gated { width, .. } | Self::Plain { width, .. } => *width,
            Self::Experts(e) => e.used * e.width + e.shared.map_or(0, |(width, _)| width),
        }
    }

    pub(super) fn tensors(&self, t: &mut Tensors, h: u64) {
        match *self {
            Self::Gated { width, bias } => gated(t, "mlp", width, h, bias),
            Self::Plain { width, bias } => {
                t.linear("mlp.fc1", Class::Mlp, width, h, bias);
                t.linear("mlp.fc2", Class::Mlp, h, width, bias);
            }
            Self::Experts(e) => {
                t.add("mlp.gate.weight", Class::Mlp, &[e.all, h]);
                if e.score_bias {
                    t.add("mlp.gate.e_score_correction_bias", Class::Bias, &[e.all]);
                }
                t.add_experts("mlp.experts.gate_proj", Class::Mlp, &[e.all, e.width, h], e.used);
                t.add_experts("mlp.experts.up_proj", Class::Mlp, &[e.all, e.width, h], e.used);
                t.add_experts("mlp.experts.down_proj", Class::Mlp, &[e.all, h, e.width], e.used);
                if let Some((width, gate)) = e.shared {
                    gated(t, "mlp.shared_expert", width, h, false);
                    if gate {
                        t.add("mlp.shared_expert_gate.weight", Class::Mlp, &[1, h]);
                    }
                }
            }
        }
    }
}

fn gated(t: &mut Tensors, name: &str, width: u64, h: u64, bias: bool) {
    t.linear(&format!("{name}.gate_proj"), Class::Mlp, width, h, bias);
    t.linear(&format!("{name}.up_proj"), Class::Mlp, width, h, bias);
    t.linear(&format!("{name}.down_proj"), Class::Mlp, h, width, bias);
}
