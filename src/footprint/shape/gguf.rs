//! The layers of a model by a GGUF's metadata.

use super::read::embedding;
use super::{Layer, Shape, TensorShape};
use crate::error::{Error, Result};
use crate::io::{Model, Value};

/// Keys of an architecture.
struct Keys<'a> {
    model: &'a Model,
    prefix: &'a str,
}

impl Keys<'_> {
    fn optional(&self, key: &str) -> Result<Option<u64>> {
        let key = format!("{}.{key}", self.prefix);
        match self.model.value(&key) {
            None => Ok(None),
            Some(value) => {
                value.as_u64().filter(|n| *n <= 1 << 24).map(Some).ok_or_else(|| self.wrong(&key, &value.to_string()))
            }
        }
    }

    fn number(&self, key: &str) -> Result<u64> {
        self.optional(key)?.ok_or_else(|| self.wrong(&format!("{}.{key}", self.prefix), "none"))
    }

    fn wrong(&self, key: &str, have: &str) -> Error {
        let what = format!("{}: {key:?}", self.model.path.display());
        Error::Unsupported { what, need: "a whole number".into(), have: have.into() }
    }

    /// A number for each layer: an array of them, or one for all.
    fn for_layers(&self, key: &str, layers: u64, default: u64) -> Result<Vec<u64>> {
        let full = format!("{}.{key}", self.prefix);
        match self.model.value(&full) {
            None => Ok(vec![default; layers as usize]),
            Some(Value::Array(array)) if array.len == layers => self
                .model
                .elements(array)
                .map(|value| value.as_u64().filter(|n| *n <= 1 << 24).ok_or_else(|| self.wrong(&full, &value.to_string())))
                .collect(),
            Some(Value::Array(array)) => Err(self.wrong(&full, &format!("{} numbers for {layers} layers", array.len))),
            Some(_) => Ok(vec![self.number(key)?; layers as usize]),
        }
    }
}

/// The shape, of which the tensors are known already.
pub(super) fn shape(model: &Model, name: String, tensors: Vec<TensorShape>) -> Result<Shape> {
    let architecture = model.value("general.architecture").and_then(Value::as_text).unwrap_or_default();
    let keys = Keys { model, prefix: architecture };
    let layers = keys.number("block_count")?;
    let hidden = keys.number("embedding_length")?;
    // An encoder caches nothing.
    let caches = !matches!(architecture, "bert" | "nomic-bert" | "jina-bert-v2" | "t5encoder");
    let heads = keys.for_layers("attention.head_count", layers, 1)?;
    let first_heads = heads.first().copied().unwrap_or(1).max(1);
    let kv_heads = match model.value(&format!("{architecture}.attention.head_count_kv")) {
        Some(_) => keys.for_layers("attention.head_count_kv", layers, first_heads)?,
        None => heads.clone(),
    };
    let head_dim = keys.optional("attention.key_length")?.unwrap_or(hidden / first_heads);
    let value_dim = keys.optional("attention.value_length")?.unwrap_or(head_dim);
    let latent = keys.optional("attention.kv_lora_rank")?;
    let rope = keys.optional("rope.dimension_count")?.unwrap_or(0);
    let ff = keys.for_layers("feed_forward_length", layers, 0)?;
    let experts = keys.optional("expert_used_count")?.unwrap_or(0);
    let expert_width = keys.optional("expert_feed_forward_length")?;
    let dense = keys.optional("leading_dense_block_count")?.unwrap_or(0);
    let window = keys.optional("attention.sliding_window")?.filter(|w| *w > 0);
    let pattern = keys.optional("attention.sliding_window_pattern").ok().flatten().unwrap_or(match architecture {
        "gemma2" => 2,
        "gemma3" => 6,
        _ => 0,
    });
    let gated = tensors.iter().any(|t| t.name.contains("ffn_gate"));
    let vocab = match model.value("tokenizer.ggml.tokens") {
        Some(Value::Array(tokens)) => tokens.len,
        _ => keys.optional("vocab_size")?.unwrap_or(embedding(&tensors)[0]),
    };
    let layer = |i: usize| {
        let number = i as u64;
        // Of a pattern's layers the last one looks back on all; without a pattern a window holds for all.
        let slides = pattern == 0 || !(number + 1).is_multiple_of(pattern);
        let routed = experts > 0 && number >= dense;
        let cached = match latent {
            Some(rank) => rank + rope,
            None => kv_heads[i] * (head_dim + value_dim),
        };
        Layer {
            heads: heads[i],
            kv_heads: kv_heads[i],
            head_dim,
            cached: if caches { cached } else { 0 },
            window: window.filter(|_| slides),
            ff: if routed { experts * expert_width.unwrap_or(ff[i]) } else { ff[i] },
            gated,
        }
    };
    Ok(Shape {
        name,
        model_type: architecture.into(),
        tensors,
        layers: (0..layers as usize).map(layer).collect(),
        hidden,
        vocab,
        positions: keys.optional("context_length")?,
        further: 0,
    })
}
