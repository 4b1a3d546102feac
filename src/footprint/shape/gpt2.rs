//! GPT-2 and GPT-3: learned positions, LayerNorm, biases everywhere, one matrix for Q, K and V.

use super::config::Config;
use super::{Layer, Shape, Tensors};
use crate::error::Result;
use crate::footprint::class::Class;

pub(super) fn shape(c: &Config<'_>) -> Result<Shape> {
    let h = c.any(&["hidden_size", "n_embd"], 768)?;
    let layers = c.any(&["num_hidden_layers", "n_layer"], 12)?;
    let heads = c.any(&["num_attention_heads", "n_head"], 12)?;
    let positions = c.any(&["max_position_embeddings", "n_positions"], 1024)?;
    let vocab = c.number("vocab_size", 50_257)?;
    let ff = c.number("n_inner", 4 * h)?;
    let head_dim = c.quotient(("n_embd", h), ("n_head", heads))?;
    let crosses = c.flag("add_cross_attention", false)?;

    let mut t = Tensors::default();
    t.add("transformer.wte.weight", Class::Embedding, &[vocab, h]);
    t.add("transformer.wpe.weight", Class::Embedding, &[positions, h]);
    for i in 0..layers {
        t.enter(i, "transformer.h");
        t.norm("ln_1", h, true);
        t.linear("attn.c_attn", Class::Attention, 3 * h, h, true);
        t.linear("attn.c_proj", Class::Attention, h, h, true);
        if crosses {
            t.linear("crossattention.c_attn", Class::Attention, 2 * h, h, true);
            t.linear("crossattention.q_attn", Class::Attention, h, h, true);
            t.linear("crossattention.c_proj", Class::Attention, h, h, true);
            t.norm("ln_cross_attn", h, true);
        }
        t.norm("ln_2", h, true);
        t.linear("mlp.c_fc", Class::Mlp, ff, h, true);
        t.linear("mlp.c_proj", Class::Mlp, h, ff, true);
    }
    t.leave();
    t.norm("transformer.ln_f", h, true);
    if !c.flag("tie_word_embeddings", true)? {
        t.add("lm_head.weight", Class::Head, &[vocab, h]);
    }
    let layer = Layer { heads, kv_heads: heads, head_dim, cached: 2 * h, window: None, ff, gated: false };
    Ok(Shape {
        name: "gpt2".into(),
        model_type: "gpt2".into(),
        tensors: t.all,
        layers: vec![layer; layers as usize],
        hidden: h,
        vocab,
        positions: Some(positions),
        further: 0,
    })
}
