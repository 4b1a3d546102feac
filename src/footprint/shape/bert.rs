//! BERT: an encoder with learned positions and types; as a decoder it keeps a cache.

use super::config::Config;
use super::{Layer, Shape, Tensors};
use crate::error::Result;
use crate::footprint::class::Class;

pub(super) fn shape(c: &Config<'_>) -> Result<Shape> {
    let h = c.number("hidden_size", 768)?;
    let layers = c.number("num_hidden_layers", 12)?;
    let heads = c.positive("num_attention_heads", 12)?;
    let ff = c.number("intermediate_size", 3072)?;
    let vocab = c.number("vocab_size", 30_522)?;
    let positions = c.number("max_position_embeddings", 512)?;
    let types = c.number("type_vocab_size", 2)?;
    let head_dim = c.quotient(("hidden_size", h), ("num_attention_heads", heads))?;
    let decodes = c.flag("is_decoder", false)?;
    let crosses = decodes && c.flag("add_cross_attention", false)?;

    let mut t = Tensors::default();
    t.add("embeddings.word_embeddings.weight", Class::Embedding, &[vocab, h]);
    t.add("embeddings.position_embeddings.weight", Class::Embedding, &[positions, h]);
    t.add("embeddings.token_type_embeddings.weight", Class::Embedding, &[types, h]);
    t.norm("embeddings.LayerNorm", h, true);
    for i in 0..layers {
        t.enter(i, "encoder.layer");
        attention(&mut t, "attention", h);
        if crosses {
            attention(&mut t, "crossattention", h);
        }
        t.linear("intermediate.dense", Class::Mlp, ff, h, true);
        t.linear("output.dense", Class::Mlp, h, ff, true);
        t.norm("output.LayerNorm", h, true);
    }
    t.leave();
    t.linear("pooler.dense", Class::Weight, h, h, true);
    let cached = if decodes { 2 * h } else { 0 };
    let layer = Layer { heads, kv_heads: heads, head_dim, cached, window: None, ff, gated: false };
    Ok(Shape {
        name: "bert".into(),
        model_type: "bert".into(),
        tensors: t.all,
        layers: vec![layer; layers as usize],
        hidden: h,
        vocab,
        positions: Some(positions),
        further: 0,
    })
}

fn attention(t: &mut Tensors, name: &str, h: u64) {
    for part in ["self.query", "self.key", "self.value", "output.dense"] {
        t.linear(&format!("{name}.{part}"), Class::Attention, h, h, true);
    }
    t.norm(&format!("{name}.output.LayerNorm"), h, true);
}
