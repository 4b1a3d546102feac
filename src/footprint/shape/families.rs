//! One function a `model_type`: what its config says, with the defaults of transformers 5.23's config class.
//!
//! Source of the defaults and of what each key does: `tests/golden/shapes.json`, made by transformers itself.

use super::config::Config;
use super::decoder::{Decoder, Experts, Mlp};
use super::{Shape, bert, deepseek, gpt2};
use crate::error::{Error, Result};

/// Every `model_type` that is known.
pub(super) const KNOWN: [&str; 16] = [
    "llama",
    "mistral",
    "mixtral",
    "qwen2",
    "qwen2_moe",
    "qwen3",
    "qwen3_moe",
    "gemma2",
    "gemma3_text",
    "gemma3",
    "phi",
    "phi3",
    "gpt2",
    "grok-1",
    "deepseek_v3",
    "bert",
];

/// The shape of a config, by its `model_type`.
pub(super) fn shape(c: &Config<'_>, model_type: &str) -> Result<Shape> {
    let decoder = match model_type {
        "llama" => llama(c)?,
        "mistral" => mistral(c)?,
        "mixtral" => mixtral(c)?,
        "qwen2" => qwen2(c)?,
        "qwen2_moe" => qwen2_moe(c)?,
        "qwen3" => qwen3(c)?,
        "qwen3_moe" => qwen3_moe(c)?,
        "gemma2" => gemma2(c)?,
        "gemma3_text" => gemma3(c, c.flag("tie_word_embeddings", true)?)?,
        "gemma3" => return multimodal_gemma3(c),
        "phi" => phi(c)?,
        "phi3" => phi3(c)?,
        "grok-1" => grok1(c)?,
        "gpt2" => return gpt2::shape(c),
        "deepseek_v3" => return deepseek::shape(c),
        "bert" => return bert::shape(c),
        other => {
            return Err(Error::UnknownName { kind: "model_type", name: other.into(), known: KNOWN.join(", ") });
        }
    };
    Ok(decoder.shape(model_type))
}

/// What most families have in common, under their own defaults: (hidden, ff, layers, heads, vocab, positions).
struct Common {
    hidden: u64,
    ff: u64,
    layers: u64,
    heads: u64,
    vocab: u64,
    positions: u64,
}

fn common(c: &Config<'_>, defaults: [u64; 6]) -> Result<Common> {
    let [hidden, ff, layers, heads, vocab, positions] = defaults;
    Ok(Common {
        hidden: c.number("hidden_size", hidden)?,
        ff: c.number("intermediate_size", ff)?,
        layers: c.number("num_hidden_layers", layers)?,
        heads: c.positive("num_attention_heads", heads)?,
        vocab: c.number("vocab_size", vocab)?,
        positions: c.number("max_position_embeddings", positions)?,
    })
}

impl Common {
    /// The width of a head: the config's own, or a share of the hidden state.
    fn head_dim(&self, c: &Config<'_>) -> Result<u64> {
        match c.optional("head_dim")? {
            Some(width) => Ok(width),
            None => c.quotient(("hidden_size", self.hidden), ("num_attention_heads", self.heads)),
        }
    }

    /// A decoder without biases, with two RMS normalizations a layer and a gated feed-forward part, and windows of none.
    fn decoder(&self, c: &Config<'_>, kv_heads: u64, head_dim: u64) -> Result<Decoder> {
        Ok(Decoder {
            hidden: self.hidden,
            vocab: self.vocab,
            positions: Some(self.positions),
            heads: self.heads,
            kv_heads,
            head_dim,
            qkv_bias: false,
            out_bias: false,
            qk_norm: None,
            norms: 2,
            layer_norm: false,
            tied: c.flag("tie_word_embeddings", false)?,
            head_bias: false,
            layers: vec![(Mlp::Gated { width: self.ff, bias: false }, None); self.layers as usize],
        })
    }
}

/// Sets a window where `slides` says so, or the config's `layer_types`.
fn slide(c: &Config<'_>, d: &mut Decoder, window: Option<u64>, slides: impl Fn(u64) -> bool) -> Result<()> {
    let listed = c.sliding_layers(d.layers.len() as u64)?;
    for (i, layer) in d.layers.iter_mut().enumerate() {
        let here = listed.as_ref().map_or_else(|| slides(i as u64), |list| list[i]);
        layer.1 = window.filter(|_| here);
    }
    Ok(())
}

fn llama(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [4096, 11_008, 32, 32, 32_000, 2048])?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", m.heads)?, m.head_dim(c)?)?;
    let bias = c.flag("attention_bias", false)?;
    (d.qkv_bias, d.out_bias) = (bias, bias);
    let mlp = Mlp::Gated { width: m.ff, bias: c.flag("mlp_bias", false)? };
    d.layers.iter_mut().for_each(|layer| layer.0 = mlp);
    Ok(d)
}

fn mistral(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [4096, 14_336, 32, 32, 32_000, 131_072])?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", 8)?, m.head_dim(c)?)?;
    slide(c, &mut d, c.nullable("sliding_window", Some(4096))?, |_| true)?;
    Ok(d)
}

fn mixtral(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [4096, 14_336, 32, 32, 32_000, 131_072])?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", 8)?, m.head_dim(c)?)?;
    let experts = Experts {
        all: c.any(&["num_experts", "num_local_experts"], 8)?,
        used: c.number("num_experts_per_tok", 2)?,
        width: m.ff,
        shared: None,
        score_bias: false,
    };
    d.layers.iter_mut().for_each(|layer| layer.0 = Mlp::Experts(experts));
    slide(c, &mut d, c.optional("sliding_window")?, |_| true)?;
    Ok(d)
}

/// The window of Qwen's models, where they use one.
fn qwen_window(c: &Config<'_>) -> Result<Option<u64>> {
    let window = c.nullable("sliding_window", Some(4096))?;
    Ok(window.filter(|_| c.flag("use_sliding_window", false).unwrap_or(false)))
}

/// The key and value heads of Qwen's models: absent they are so many, null as many as the heads.
fn qwen_kv_heads(c: &Config<'_>, heads: u64, absent: u64) -> Result<u64> {
    Ok(c.nullable("num_key_value_heads", Some(absent))?.unwrap_or(heads))
}

fn qwen2(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [4096, 22_016, 32, 32, 151_936, 32_768])?;
    let mut d = m.decoder(c, qwen_kv_heads(c, m.heads, 32)?, m.head_dim(c)?)?;
    d.qkv_bias = true;
    let first = c.number("max_window_layers", 28)?;
    slide(c, &mut d, qwen_window(c)?, |i| i >= first)?;
    Ok(d)
}

/// Which layers of Qwen's mixtures have experts.
fn qwen_experts(c: &Config<'_>, d: &mut Decoder, experts: Experts) -> Result<()> {
    let step = c.positive("decoder_sparse_step", 1)?;
    let dense = c.numbers("mlp_only_layers")?;
    for (i, layer) in d.layers.iter_mut().enumerate() {
        if experts.all > 0 && !dense.contains(&(i as u64)) && (i as u64 + 1).is_multiple_of(step) {
            layer.0 = Mlp::Experts(experts);
        }
    }
    Ok(())
}

fn qwen2_moe(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [2048, 5632, 24, 16, 151_936, 32_768])?;
    let mut d = m.decoder(c, qwen_kv_heads(c, m.heads, 16)?, m.head_dim(c)?)?;
    d.qkv_bias = c.flag("qkv_bias", true)?;
    let experts = Experts {
        all: c.number("num_experts", 60)?,
        used: c.number("num_experts_per_tok", 4)?,
        width: c.number("moe_intermediate_size", 1408)?,
        shared: Some((c.number("shared_expert_intermediate_size", 5632)?, true)),
        score_bias: false,
    };
    qwen_experts(c, &mut d, experts)?;
    let first = c.number("max_window_layers", 28)?;
    slide(c, &mut d, qwen_window(c)?, |i| i.is_multiple_of(2) && i < first)?;
    Ok(d)
}

fn qwen3(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [4096, 22_016, 32, 32, 151_936, 32_768])?;
    let head_dim = c.number("head_dim", 128)?;
    let mut d = m.decoder(c, qwen_kv_heads(c, m.heads, 32)?, head_dim)?;
    let bias = c.flag("attention_bias", false)?;
    (d.qkv_bias, d.out_bias, d.qk_norm) = (bias, bias, Some(head_dim));
    let first = c.number("max_window_layers", 28)?;
    slide(c, &mut d, qwen_window(c)?, |i| i >= first)?;
    Ok(d)
}

fn qwen3_moe(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [2048, 6144, 24, 32, 151_936, 32_768])?;
    let head_dim = m.head_dim(c)?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", 4)?, head_dim)?;
    let bias = c.flag("attention_bias", false)?;
    (d.qkv_bias, d.out_bias, d.qk_norm) = (bias, bias, Some(head_dim));
    let experts = Experts {
        all: c.any(&["num_local_experts", "num_experts"], 128)?,
        used: c.number("num_experts_per_tok", 8)?,
        width: c.number("moe_intermediate_size", 768)?,
        shared: None,
        score_bias: false,
    };
    qwen_experts(c, &mut d, experts)?;
    slide(c, &mut d, qwen_window(c)?, |_| true)?;
    Ok(d)
}

fn gemma2(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [2304, 9216, 26, 8, 256_000, 8192])?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", 4)?, c.number("head_dim", 256)?)?;
    let bias = c.flag("attention_bias", false)?;
    (d.qkv_bias, d.out_bias, d.norms) = (bias, bias, 4);
    d.tied = c.flag("tie_word_embeddings", true)?;
    slide(c, &mut d, c.nullable("sliding_window", Some(4096))?, |i| i.is_multiple_of(2))?;
    Ok(d)
}

fn gemma3(c: &Config<'_>, tied: bool) -> Result<Decoder> {
    let m = common(c, [2304, 9216, 26, 8, 262_208, 131_072])?;
    let head_dim = c.number("head_dim", 256)?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", 4)?, head_dim)?;
    let bias = c.flag("attention_bias", false)?;
    (d.qkv_bias, d.out_bias, d.norms, d.qk_norm, d.tied) = (bias, bias, 4, Some(head_dim), tied);
    let both_ways = c.flag("use_bidirectional_attention", false)?;
    let window = c.nullable("sliding_window", Some(4096))?.map(|w| if both_ways { w / 2 + 1 } else { w });
    let pattern = c.positive("sliding_window_pattern", 6)?;
    slide(c, &mut d, window, |i| !(i + 1).is_multiple_of(pattern))?;
    Ok(d)
}

/// The language model of a multimodal Gemma 3; its own `tie_word_embeddings` counts, not the one of its text part.
fn multimodal_gemma3(c: &Config<'_>) -> Result<Shape> {
    let empty = serde_json::Map::new();
    let keys = c.keys.get("text_config").and_then(|text| text.as_object()).unwrap_or(&empty);
    let text = Config { what: c.what, keys };
    Ok(gemma3(&text, c.flag("tie_word_embeddings", true)?)?.shape("gemma3"))
}

fn phi(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [2048, 8192, 24, 32, 51_200, 2048])?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", m.heads)?, m.head_dim(c)?)?;
    (d.qkv_bias, d.out_bias, d.norms, d.layer_norm, d.head_bias) = (true, true, 1, true, true);
    if c.flag("qk_layernorm", false)? {
        d.qk_norm = Some(c.quotient(("hidden_size", m.hidden), ("num_attention_heads", m.heads))?);
    }
    d.layers.iter_mut().for_each(|layer| layer.0 = Mlp::Plain { width: m.ff, bias: true });
    Ok(d)
}

fn phi3(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [3072, 8192, 32, 32, 32_064, 4096])?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", m.heads)?, m.head_dim(c)?)?;
    slide(c, &mut d, c.optional("sliding_window")?, |_| true)?;
    Ok(d)
}

/// xAI's Grok-1, for which transformers has no class: the defaults are the published model's (xai-org/grok-1, `run.py`).
fn grok1(c: &Config<'_>) -> Result<Decoder> {
    let m = common(c, [6144, 32_768, 64, 48, 131_072, 8192])?;
    let mut d = m.decoder(c, c.number("num_key_value_heads", 8)?, m.head_dim(c)?)?;
    (d.norms, d.tied) = (4, c.flag("tie_word_embeddings", true)?);
    let experts = Experts {
        all: c.number("num_experts", 8)?,
        used: c.number("num_experts_per_tok", 2)?,
        width: m.ff,
        shared: None,
        score_bias: false,
    };
    d.layers.iter_mut().for_each(|layer| layer.0 = Mlp::Experts(experts));
    Ok(d)
}
