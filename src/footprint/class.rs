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
        // Buffers, not parameters: positions, rotations, and the causal mask that GPT-2's files call a bias.
        let mask = last == "masked_bias" || (last == "bias" && dimensions == 4);
        if mask || has(&["position_ids", "rope_freqs", "rope_factors", "inv_freq"]) {
            return Self::Other;
        }
        if last.ends_with("bias") || last == "beta" {
            return Self::Bias;
        }
        if has(&["norm", ".ln_", ".ln.", "ln_f", "ln_1", "ln_2"]) || last == "gamma" {
            return Self::Norm;
        }
        let head = ["output.weight", "head.weight", "cls.weight"].contains(&name.as_str());
        if head || has(&["lm_head", "cls.predictions", "embed_out", "shared_head.head"]) {
            return Self::Head;
        }
        if has(&["embed", "token_embd", "position_embd", "token_types", "wte", "wpe"]) || name == "shared.weight" {
            return Self::Embedding;
        }
        if has(&["initial_state"]) {
            return Self::InitialState;
        }
        if has(&["attn", "attention", ".mixer."]) {
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
            // BERT
            ("embeddings.word_embeddings.weight", 2, Class::Embedding),
            ("embeddings.token_type_embeddings.weight", 2, Class::Embedding),
            ("embeddings.position_ids", 2, Class::Other),
            ("encoder.layer.0.attention.self.query.weight", 2, Class::Attention),
            ("encoder.layer.0.attention.output.dense.weight", 2, Class::Attention),
            ("encoder.layer.0.attention.output.LayerNorm.weight", 1, Class::Norm),
            ("encoder.layer.0.attention.output.LayerNorm.bias", 1, Class::Bias),
            ("encoder.layer.0.attention.output.LayerNorm.gamma", 1, Class::Norm),
            ("encoder.layer.0.attention.output.LayerNorm.beta", 1, Class::Bias),
            ("encoder.layer.0.intermediate.dense.weight", 2, Class::Mlp),
            ("encoder.layer.0.output.dense.weight", 2, Class::Mlp),
            ("pooler.dense.weight", 2, Class::Weight),
            ("cls.predictions.decoder.weight", 2, Class::Head),
            ("token_types.weight", 2, Class::Embedding),
            ("blk.0.layer_output_norm.weight", 1, Class::Norm),
            // GPT-2
            ("wte.weight", 2, Class::Embedding),
            ("transformer.wpe.weight", 2, Class::Embedding),
            ("h.0.attn.c_attn.weight", 2, Class::Attention),
            ("h.0.attn.c_proj.bias", 1, Class::Bias),
            ("h.0.attn.bias", 4, Class::Other),
            ("h.0.attn.masked_bias", 0, Class::Other),
            ("h.0.mlp.c_fc.weight", 2, Class::Mlp),
            ("h.0.ln_1.weight", 1, Class::Norm),
            ("ln_f.weight", 1, Class::Norm),
            ("position_embd.weight", 2, Class::Embedding),
            ("blk.0.attn_qkv.weight", 2, Class::Attention),
            // Llama
            ("model.embed_tokens.weight", 2, Class::Embedding),
            ("model.layers.3.self_attn.q_proj.weight", 2, Class::Attention),
            ("model.layers.3.mlp.gate_proj.weight", 2, Class::Mlp),
            ("model.layers.3.input_layernorm.weight", 1, Class::Norm),
            ("model.norm.weight", 1, Class::Norm),
            ("lm_head.weight", 2, Class::Head),
            ("model.layers.0.self_attn.rotary_emb.inv_freq", 1, Class::Other),
            ("token_embd.weight", 2, Class::Embedding),
            ("blk.0.attn_output.weight", 2, Class::Attention),
            ("blk.0.ffn_down.weight", 2, Class::Mlp),
            ("blk.0.ffn_norm.weight", 1, Class::Norm),
            ("output_norm.weight", 1, Class::Norm),
            ("output.weight", 2, Class::Head),
            ("rope_freqs.weight", 1, Class::Other),
            ("layers.0.feed_forward.w1.weight", 2, Class::Mlp),
            ("tok_embeddings.weight", 2, Class::Embedding),
            // Qwen
            ("model.layers.0.self_attn.q_proj.bias", 1, Class::Bias),
            ("model.layers.0.self_attn.k_norm.weight", 1, Class::Norm),
            ("model.layers.0.mlp.shared_expert_gate.weight", 2, Class::Mlp),
            ("model.layers.0.mlp.experts.7.up_proj.weight", 2, Class::Mlp),
            ("blk.0.attn_q.bias", 1, Class::Bias),
            ("blk.0.attn_q_norm.weight", 1, Class::Norm),
            ("blk.0.ffn_gate_exps.weight", 3, Class::Mlp),
            ("blk.0.ffn_gate_inp_shexp.weight", 1, Class::Mlp),
            // Gemma
            ("model.layers.0.pre_feedforward_layernorm.weight", 1, Class::Norm),
            ("model.layers.0.post_attention_layernorm.weight", 1, Class::Norm),
            ("blk.0.post_ffw_norm.weight", 1, Class::Norm),
            ("language_model.model.embed_tokens.weight", 2, Class::Embedding),
            // Phi
            ("model.layers.0.self_attn.qkv_proj.weight", 2, Class::Attention),
            ("model.layers.0.mlp.gate_up_proj.weight", 2, Class::Mlp),
            ("model.layers.0.self_attn.dense.weight", 2, Class::Attention),
            ("model.final_layernorm.weight", 1, Class::Norm),
            ("transformer.h.0.mixer.Wqkv.weight", 2, Class::Attention),
            ("lm_head.ln.weight", 1, Class::Norm),
            ("lm_head.linear.weight", 2, Class::Head),
            ("rope_factors_long.weight", 1, Class::Other),
            // Mixtral
            ("model.layers.0.block_sparse_moe.gate.weight", 2, Class::Mlp),
            ("model.layers.0.block_sparse_moe.experts.0.w1.weight", 2, Class::Mlp),
            ("blk.0.ffn_gate_inp.weight", 2, Class::Mlp),
            // DeepSeek
            ("model.layers.0.self_attn.kv_a_proj_with_mqa.weight", 2, Class::Attention),
            ("model.layers.0.self_attn.kv_a_layernorm.weight", 1, Class::Norm),
            ("model.layers.3.mlp.gate.e_score_correction_bias", 1, Class::Bias),
            ("model.layers.61.eh_proj.weight", 2, Class::Weight),
            ("model.layers.61.enorm.weight", 1, Class::Norm),
            ("model.layers.61.shared_head.head.weight", 2, Class::Head),
            ("blk.0.attn_kv_a_mqa.weight", 2, Class::Attention),
            ("blk.3.exp_probs_b.bias", 1, Class::Bias),
            // others
            ("shared.weight", 2, Class::Embedding),
            ("encoder.block.0.layer.0.SelfAttention.q.weight", 2, Class::Attention),
            ("blk.0.ssm_conv1d.weight", 2, Class::Weight),
            ("blk.0.ssm_a", 1, Class::Other),
            ("initial_state", 2, Class::InitialState),
        ];
        for (name, dimensions, class) in cases {
            assert_eq!(Class::of(name, dimensions), class, "{name}");
        }
    }
}
