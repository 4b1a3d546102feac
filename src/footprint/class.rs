//! The component class of a parameter tensor, from its name.

use serde::Serialize;

use crate::error::Error;

/// The component classes of a transformer's parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Q, K, V and output projection.
    Attention,
    /// The feed-forward layers.
    Mlp,
    /// Other matrices.
    Weight,
    /// Biases, wherever they are.
    Bias,
    /// Scales of normalizations.
    Norm,
    /// Token, position and type embeddings.
    Embedding,
    /// The projection onto the vocabulary.
    Head,
    /// Learned first states.
    InitialState,
    /// What the name does not tell.
    Other,
}

/// Every class, in the order of reports.
pub const CLASSES: [Class; 9] = [
    Class::Attention,
    Class::Mlp,
    Class::Weight,
    Class::Bias,
    Class::Norm,
    Class::Embedding,
    Class::Head,
    Class::InitialState,
    Class::Other,
];

impl Class {
    /// Its word in reports and labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Attention => "attention",
            Self::Mlp => "mlp",
            Self::Weight => "weight",
            Self::Bias => "bias",
            Self::Norm => "norm",
            Self::Embedding => "embedding",
            Self::Head => "head",
            Self::InitialState => "initial_state",
            Self::Other => "other",
        }
    }

    /// The class of a tensor with this name and so many dimensions.
    #[must_use]
    pub fn of(name: &str, dimensions: usize) -> Self {
        let name = name.to_lowercase();
        let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
        let last = name.rsplit('.').next().unwrap_or(&name);
        if last.ends_with("bias") || last == "beta" {
            return Self::Bias;
        }
        if has(&["norm", ".ln_", "ln_f", "ln_1", "ln_2"]) || last == "gamma" {
            return Self::Norm;
        }
        if has(&["lm_head", "cls.predictions", "embed_out"]) || name == "output.weight" || name == "head.weight" {
            return Self::Head;
        }
        if has(&["position_ids", "rope_freqs", "inv_freq"]) {
            return Self::Other;
        }
        if has(&["embed", "token_embd", "position_embd", "wte", "wpe"]) {
            return Self::Embedding;
        }
        if has(&["initial_state"]) {
            return Self::InitialState;
        }
        if has(&["attn", "attention"]) {
            return Self::Attention;
        }
        if has(&["mlp", "ffn", "feed_forward", "intermediate", "experts", "block_sparse_moe", "output.dense"]) {
            return Self::Mlp;
        }
        if dimensions >= 2 { Self::Weight } else { Self::Other }
    }
}

impl std::str::FromStr for Class {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        CLASSES.into_iter().find(|c| c.name() == name).ok_or_else(|| Error::UnknownName {
            kind: "class",
            name: name.into(),
            known: CLASSES.map(Self::name).join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_that_people_have() {
        let cases = [
            ("embeddings.word_embeddings.weight", 2, Class::Embedding),
            ("encoder.layer.0.attention.self.query.weight", 2, Class::Attention),
            ("encoder.layer.0.attention.output.dense.weight", 2, Class::Attention),
            ("encoder.layer.0.attention.output.LayerNorm.weight", 1, Class::Norm),
            ("encoder.layer.0.attention.output.LayerNorm.bias", 1, Class::Bias),
            ("encoder.layer.0.intermediate.dense.weight", 2, Class::Mlp),
            ("encoder.layer.0.output.dense.weight", 2, Class::Mlp),
            ("pooler.dense.weight", 2, Class::Weight),
            ("embeddings.position_ids", 2, Class::Other),
            ("model.embed_tokens.weight", 2, Class::Embedding),
            ("model.layers.3.self_attn.q_proj.weight", 2, Class::Attention),
            ("model.layers.3.mlp.gate_proj.weight", 2, Class::Mlp),
            ("model.layers.3.input_layernorm.weight", 1, Class::Norm),
            ("lm_head.weight", 2, Class::Head),
            ("h.0.attn.c_attn.weight", 2, Class::Attention),
            ("h.0.ln_1.weight", 1, Class::Norm),
            ("wte.weight", 2, Class::Embedding),
        ];
        for (name, dimensions, class) in cases {
            assert_eq!(Class::of(name, dimensions), class, "{name}");
        }
    }
}
