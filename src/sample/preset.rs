//! How others chain the same filters: their order, the mass that top-p looks at, and its boundary.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::params::Scope;
use crate::error::{Error, Result};

/// Whose rules a chain follows. A preset sets the order of the filters, where the temperature stands, the mass base and boundary of
/// top-p, and where penalties look; the values stay the caller's. Tested against what the peers themselves keep of real logits
/// (`tests/golden/sampling.json`).
///
/// Four things are the same under every preset, though peers differ: ties go to lower token ids (Hugging Face and vLLM keep all that
/// tie at top-k, MLX all that tie at top-p; llama.cpp is unstable); the crossing token of top-p is kept; `min_keep` holds for every
/// filter (llama.cpp's top-k knows of none, MLX has it in min-p only); a temperature under [`super::GREEDY_BELOW`] takes the best token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Preset {
    /// Hugging Face transformers, and the article's chain: temperature, top-k, top-p of the survivors, min-p, typical-p, epsilon,
    /// eta. (`generation/utils.py::_get_logits_processor`, 5.23)
    #[default]
    #[serde(rename = "huggingface")]
    HuggingFace,
    /// llama.cpp: top-n-sigma, top-k, typical-p, top-p, min-p; the temperature last, so that filters see it as 1; penalties look at
    /// the last 64 tokens. (`common/common.h`, 0.5.0. Among exact ties its typical-p stops at the crossing token, here all as near
    /// stay; after a ban its entropy is NaN, here a token without mass adds nothing.)
    #[serde(rename = "llama.cpp")]
    LlamaCpp,
    /// vLLM: temperature, min-p, top-k, top-p. (`v1/sample/sampler.py`)
    #[serde(rename = "vllm")]
    Vllm,
    /// MLX-LM: top-p, min-p, top-k; the temperature last; a top-p of 0 is off; penalties look at the last 20 tokens.
    /// (`sample_utils.py::make_sampler`)
    #[serde(rename = "mlx")]
    Mlx,
    /// TensorRT-LLM: temperature, min-p, top-k, top-p that must be exceeded, not reached; frequency and presence count the prompt.
    /// (`docs/source/features/sampling.md`: "greater than top_p". Its own code compares with >= since 2025-11, pull request 9411.)
    #[serde(rename = "tensorrt-llm")]
    TensorRtLlm,
    /// candle: temperature, top-k, top-p of the whole row's mass, not the survivors'; a top-p of 0 is off; penalties look at the last
    /// 64 tokens. (`candle-transformers` 0.11, `generation::LogitsProcessor`)
    #[serde(rename = "candle")]
    Candle,
}

/// A filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Sigma,
    TopK,
    TopP,
    MinP,
    Typical,
    Epsilon,
    Eta,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 6] = [Self::HuggingFace, Self::LlamaCpp, Self::Vllm, Self::Mlx, Self::TensorRtLlm, Self::Candle];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::HuggingFace => "huggingface",
            Self::LlamaCpp => "llama.cpp",
            Self::Vllm => "vllm",
            Self::Mlx => "mlx",
            Self::TensorRtLlm => "tensorrt-llm",
            Self::Candle => "candle",
        }
    }

    /// The filters in order. Those that a peer has not got stand where they change its own chain least: top-n-sigma first, the
    /// others last.
    pub(crate) const fn order(self) -> [Filter; 7] {
        use Filter::{Epsilon, Eta, MinP, Sigma, TopK, TopP, Typical};
        match self {
            Self::HuggingFace => [Sigma, TopK, TopP, MinP, Typical, Epsilon, Eta],
            Self::LlamaCpp => [Sigma, TopK, Typical, TopP, MinP, Epsilon, Eta],
            Self::Vllm | Self::TensorRtLlm => [Sigma, MinP, TopK, TopP, Typical, Epsilon, Eta],
            Self::Mlx => [Sigma, TopP, MinP, TopK, Typical, Epsilon, Eta],
            Self::Candle => [Sigma, TopK, TopP, MinP, Typical, Epsilon, Eta],
        }
    }

    /// Whether filters see the logits before they are divided by the temperature.
    pub(crate) const fn temperature_last(self) -> bool {
        matches!(self, Self::LlamaCpp | Self::Mlx)
    }

    /// Whether top-p must be exceeded.
    pub(crate) const fn strict(self) -> bool {
        matches!(self, Self::TensorRtLlm)
    }

    /// Whether top-p is a share of the whole row's mass.
    pub(crate) const fn whole_mass(self) -> bool {
        matches!(self, Self::Candle)
    }

    /// Whether a top-p of 0 means that it is off.
    pub(crate) const fn zero_is_off(self) -> bool {
        matches!(self, Self::Mlx | Self::Candle)
    }

    /// Where repetition looks, and where frequency and presence do.
    pub(crate) const fn scopes(self) -> (Scope, Scope) {
        match self {
            Self::HuggingFace | Self::Vllm => (Scope::All, Scope::Output),
            Self::TensorRtLlm => (Scope::All, Scope::All),
            Self::LlamaCpp | Self::Candle => (Scope::Last(64), Scope::Last(64)),
            Self::Mlx => (Scope::Last(20), Scope::Last(20)),
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Preset {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or_else(|| Error::UnknownName {
            kind: "preset",
            name: name.into(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }
}
