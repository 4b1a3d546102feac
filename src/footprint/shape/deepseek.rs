//! DeepSeek-V3: multi-head latent attention, experts with one that is shared, and layers that predict further tokens (MTP).

use super::config::Config;
use super::decoder::{Experts, Mlp};
use super::{Layer, Shape, Tensors};
use crate::error::Result;
use crate::footprint::class::Class;

/// The widths of latent attention.
struct Latent {
    hidden: u64,
    heads: u64,
    query: Option<u64>,
    latent: u64,
    nope: u64,
    rope: u64,
    value: u64,
    bias: bool,
}

pub(super) fn shape(c: &Config<'_>) -> Result<Shape> {
    let h = c.number("hidden_size", 7168)?;
    let layers = c.number("num_hidden_layers", 61)?;
    let dense = c.number("first_k_dense_replace", 3)?;
    let vocab = c.number("vocab_size", 129_280)?;
    let attention = Latent {
        hidden: h,
        heads: c.positive("num_attention_heads", 128)?,
        query: c.nullable("q_lora_rank", Some(1536))?,
        latent: c.number("kv_lora_rank", 512)?,
        nope: c.number("qk_nope_head_dim", 128)?,
        rope: c.number("qk_rope_head_dim", 64)?,
        value: c.number("v_head_dim", 128)?,
        bias: c.flag("attention_bias", false)?,
    };
    let width = c.number("moe_intermediate_size", 2048)?;
    let shared = c.number("n_shared_experts", 1)? * width;
    let experts = Experts {
        all: c.any(&["num_local_experts", "n_routed_experts"], 256)?,
        used: c.number("num_experts_per_tok", 8)?,
        width,
        shared: Some((shared, false)),
        score_bias: true,
    };
    let gated = Mlp::Gated { width: c.number("intermediate_size", 18_432)?, bias: false };

    let mut t = Tensors::default();
    t.add("model.embed_tokens.weight", Class::Embedding, &[vocab, h]);
    let mut all = Vec::new();
    for i in 0..layers {
        let mlp = if i < dense { gated } else { Mlp::Experts(experts) };
        t.enter(i, "model.layers");
        attention.tensors(&mut t);
        mlp.tensors(&mut t, h);
        t.norm("input_layernorm", h, false);
        t.norm("post_attention_layernorm", h, false);
        all.push(Layer {
            heads: attention.heads,
            kv_heads: attention.heads,
            head_dim: attention.nope + attention.rope,
            cached: attention.latent + attention.rope,
            window: None,
            ff: mlp.width(),
            gated: true,
        });
    }
    t.leave();
    t.norm("model.norm", h, false);
    if !c.flag("tie_word_embeddings", false)? {
        t.add("lm_head.weight", Class::Head, &[vocab, h]);
    }
    let mut shape = Shape {
        name: "deepseek_v3".into(),
        model_type: "deepseek_v3".into(),
        tensors: t.all,
        layers: all,
        hidden: h,
        vocab,
        positions: Some(c.number("max_position_embeddings", 4096)?),
        further: 0,
    };
    shape.further = further_layers(&shape, c.any(&["num_mtp_layers", "num_nextn_predict_layers"], 0)?);
    Ok(shape)
}

impl Latent {
    fn tensors(&self, t: &mut Tensors) {
        let (h, heads) = (self.hidden, self.heads);
        let query = heads * (self.nope + self.rope);
        match self.query {
            None => t.linear("self_attn.q_proj", Class::Attention, query, h, false),
            Some(rank) => {
                t.linear("self_attn.q_a_proj", Class::Attention, rank, h, self.bias);
                t.norm("self_attn.q_a_layernorm", rank, false);
                t.linear("self_attn.q_b_proj", Class::Attention, query, rank, false);
            }
        }
        t.linear("self_attn.kv_a_proj_with_mqa", Class::Attention, self.latent + self.rope, h, self.bias);
        t.norm("self_attn.kv_a_layernorm", self.latent, false);
        t.linear("self_attn.kv_b_proj", Class::Attention, heads * (self.nope + self.value), self.latent, false);
        t.linear("self_attn.o_proj", Class::Attention, h, heads * self.value, self.bias);
    }
}

/// What the layers for further tokens (MTP) add: `num_nextn_predict_layers` of `config.json`. Each is a layer like
/// the last, with a projection of two hidden states onto one, two more normalizations, and an embedding and a head of its own in the
/// published files (DeepSeek-V3 technical report, section 2.2).
fn further_layers(shape: &Shape, count: u64) -> u64 {
    let h = shape.hidden;
    let layer = shape.by_layer().last().copied().unwrap_or(0);
    count * (layer + 2 * h * h + 3 * h + 2 * shape.vocab * h)
}
