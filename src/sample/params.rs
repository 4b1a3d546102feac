//! What is asked of a draw.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::preset::Preset;
use crate::error::{Error, Result};

/// Below this temperature the best token is taken: the lowest id among equals.
pub const GREEDY_BELOW: f32 = 1e-5;

/// How the token of a row is chosen. A row of a batch has its own; the default is the chain of the article on language models that
/// this project began with: temperature 0.8, top-k 36, top-p 0.7.
///
/// What a filter keeps is a part of the row in the order "logit down, then token id up", found by integers: it is the same on every
/// device. A value that is off costs nothing. See [`Preset`] for the order in which the filters act.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SamplingParams {
    /// Divides the logits, 0 to the largest float; below [`GREEDY_BELOW`] the best token is taken and every filter is idle.
    pub temperature: f32,
    /// Keep the k best, exactly: ties go to lower ids. 0 is off.
    pub top_k: u32,
    /// Keep the fewest best tokens whose probabilities reach this, 0 to 1; the crossing token is kept. 1 is off.
    pub top_p: f32,
    /// Keep what has at least this share of the best survivor's probability, 0 to 1. 0 is off.
    pub min_p: f32,
    /// Locally typical sampling (Meister et al. 2023): keep what lies nearest to the entropy, up to this mass, 0 to 1; all that are as
    /// near as the crossing token are kept. 1 is off.
    pub typical_p: f32,
    /// Keep logits within so many standard deviations (population, over all candidates) of the best, 0 to 65535. 0 is off.
    pub top_n_sigma: f32,
    /// Keep probabilities of at least this, 0 to 1 (epsilon sampling, Hewitt et al. 2022). 0 is off.
    pub epsilon: f32,
    /// Keep probabilities of at least the lesser of this and sqrt(this) exp(-entropy), 0 to 1 (eta sampling, as above). 0 is off.
    pub eta: f32,
    /// No filter leaves fewer tokens than this, as far as there are so many; at least 1.
    pub min_keep: u32,
    /// Logits above 0 of tokens seen are divided by this, others multiplied; above 0 and up to 1e6. 1 is off.
    pub repetition: f32,
    /// Taken from a logit for each time its token was seen, -1e6 to 1e6. 0 is off.
    pub frequency: f32,
    /// Taken from a logit whose token was seen at all, -1e6 to 1e6. 0 is off.
    pub presence: f32,
    /// Where `repetition` looks; the preset's choice where it is not said.
    pub repetition_scope: Option<Scope>,
    /// Where `frequency` and `presence` look; the preset's choice where it is not said.
    pub presence_scope: Option<Scope>,
    /// Added to single logits before everything else: token id and value, each id once. Negative infinity bans a token.
    pub bias: Vec<(u32, f32)>,
    /// The seed. The same seed, stream, position and logits give the same token on every device, in any batch.
    pub seed: u64,
    /// A further number that separates draws, for instance of a draft and of its judge.
    pub stream: u32,
    /// Draws without replacement from the row; at least 1.
    pub top_n: u32,
    /// The order of the filters, their mass base and boundary.
    pub preset: Preset,
}

/// Which tokens a penalty looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// What was drawn.
    Output,
    /// The prompt and what was drawn.
    All,
    /// The last so many of the prompt and what was drawn.
    Last(u32),
}

impl Default for SamplingParams {
    fn default() -> Self {
        Self { temperature: 0.8, top_k: 36, top_p: 0.7, ..Self::unfiltered() }
    }
}

/// Methods that set one value and give the rest on: `SamplingParams::default().top_k(40).seed(7)`.
macro_rules! builder {
    ($($field:ident: $ty:ty),* $(,)?) => {
        impl SamplingParams {
            $(
                #[doc = concat!("With [`", stringify!($field), "`](field@Self::", stringify!($field), ") set.")]
                #[must_use]
                pub fn $field(mut self, value: $ty) -> Self {
                    self.$field = value;
                    self
                }
            )*
        }
    };
}

builder! {
    temperature: f32, top_k: u32, top_p: f32, min_p: f32, typical_p: f32, top_n_sigma: f32, epsilon: f32, eta: f32, min_keep: u32,
    repetition: f32, frequency: f32, presence: f32, bias: Vec<(u32, f32)>, seed: u64, stream: u32, top_n: u32, preset: Preset,
}

impl SamplingParams {
    /// The best token, always.
    #[must_use]
    pub fn greedy() -> Self {
        Self::unfiltered().temperature(0.0)
    }

    /// Every token at temperature 1, by its probability.
    #[must_use]
    pub fn unfiltered() -> Self {
        Self {
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            typical_p: 1.0,
            top_n_sigma: 0.0,
            epsilon: 0.0,
            eta: 0.0,
            min_keep: 1,
            repetition: 1.0,
            frequency: 0.0,
            presence: 0.0,
            repetition_scope: None,
            presence_scope: None,
            bias: vec![],
            seed: 0,
            stream: 0,
            top_n: 1,
            preset: Preset::default(),
        }
    }

    /// Whether the best token is taken.
    #[must_use]
    pub fn is_greedy(&self) -> bool {
        self.temperature < GREEDY_BELOW
    }

    /// Whether tokens seen before matter.
    #[must_use]
    pub fn penalizes(&self) -> bool {
        self.repetition != 1.0 || self.frequency != 0.0 || self.presence != 0.0
    }

    /// Where `repetition` looks.
    #[must_use]
    pub fn repetition_scope(&self) -> Scope {
        self.repetition_scope.unwrap_or(self.preset.scopes().0)
    }

    /// Where `frequency` and `presence` look.
    #[must_use]
    pub fn presence_scope(&self) -> Scope {
        self.presence_scope.unwrap_or(self.preset.scopes().1)
    }

    /// The scopes of those penalties that are on.
    pub(super) fn active_scopes(&self) -> impl Iterator<Item = Scope> {
        let repeats = (self.repetition != 1.0).then(|| self.repetition_scope());
        let counts = (self.frequency != 0.0 || self.presence != 0.0).then(|| self.presence_scope());
        repeats.into_iter().chain(counts)
    }

    /// Checks every value; `row` goes into the error, `vocab` bounds token ids.
    ///
    /// # Errors
    /// [`Error::Parameter`], which names the row, the parameter, its value and its range.
    pub fn check(&self, row: u64, vocab: u64) -> Result<()> {
        let wrong = |parameter: &'static str, value: String, range: &'static str| {
            Err(Error::Parameter { row, parameter, value, range })
        };
        let largest = f64::from(f32::MAX);
        let ranges: [(&'static str, f32, f64, f64, &'static str); 10] = [
            ("temperature", self.temperature, 0.0, largest, "0 (greedy) to 3.4e38"),
            ("top_p", self.top_p, 0.0, 1.0, "0 to 1 (off)"),
            ("min_p", self.min_p, 0.0, 1.0, "0 (off) to 1"),
            ("typical_p", self.typical_p, 0.0, 1.0, "0 to 1 (off)"),
            ("top_n_sigma", self.top_n_sigma, 0.0, 65535.0, "0 (off) to 65535"),
            ("epsilon", self.epsilon, 0.0, 1.0, "0 (off) to 1"),
            ("eta", self.eta, 0.0, 1.0, "0 (off) to 1"),
            ("repetition", self.repetition, f64::from(f32::MIN_POSITIVE), 1e6, "above 0, 1 (off), to 1e6"),
            ("frequency", self.frequency, -1e6, 1e6, "-1e6 to 1e6, 0 is off"),
            ("presence", self.presence, -1e6, 1e6, "-1e6 to 1e6, 0 is off"),
        ];
        for (parameter, value, least, most, range) in ranges {
            // Written so that NaN is outside.
            let inside = f64::from(value) >= least && f64::from(value) <= most;
            if !inside {
                return wrong(parameter, value.to_string(), range);
            }
        }
        for (parameter, value) in [("min_keep", self.min_keep), ("top_n", self.top_n)] {
            if value == 0 {
                return wrong(parameter, value.to_string(), "1 or more");
            }
        }
        let mut seen = std::collections::HashSet::new();
        for (id, value) in &self.bias {
            if u64::from(*id) >= vocab || !seen.insert(*id) {
                return wrong("bias", format!("token {id}"), "token ids of the vocabulary, each once");
            }
            if value.is_nan() || *value == f32::INFINITY {
                return wrong("bias", format!("{value} for token {id}"), "finite, or negative infinity for a ban");
            }
        }
        Ok(())
    }
}

impl fmt::Display for SamplingParams {
    /// What is on, in words: `temperature 0.8, top-k 36, top-p 0.7, seed 0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let off = Self::unfiltered();
        let mut parts = Vec::new();
        if self.is_greedy() {
            parts.push("greedy".to_owned());
        } else {
            parts.push(format!("temperature {}", self.temperature));
            let filters: [(&str, f64, f64); 7] = [
                ("top-n-sigma", self.top_n_sigma.into(), off.top_n_sigma.into()),
                ("top-k", self.top_k.into(), off.top_k.into()),
                ("top-p", self.top_p.into(), off.top_p.into()),
                ("min-p", self.min_p.into(), off.min_p.into()),
                ("typical-p", self.typical_p.into(), off.typical_p.into()),
                ("epsilon", self.epsilon.into(), off.epsilon.into()),
                ("eta", self.eta.into(), off.eta.into()),
            ];
            // As f32, so that 0.7 is 0.7.
            parts.extend(filters.iter().filter(|(_, v, off)| v != off).map(|(name, v, _)| format!("{name} {}", *v as f32)));
            if self.min_keep != 1 {
                parts.push(format!("min-keep {}", self.min_keep));
            }
        }
        let penalties =
            [("repetition", self.repetition, 1.0), ("frequency", self.frequency, 0.0), ("presence", self.presence, 0.0)];
        parts.extend(penalties.iter().filter(|(_, v, off)| v != off).map(|(name, v, _)| format!("{name} {v}")));
        if !self.bias.is_empty() {
            parts.push(format!("{} biased tokens", self.bias.len()));
        }
        if self.top_n != 1 {
            parts.push(format!("{} draws without replacement", self.top_n));
        }
        if !self.is_greedy() {
            parts.push(format!("seed {}", self.seed));
        }
        if self.stream != 0 {
            parts.push(format!("stream {}", self.stream));
        }
        if self.preset != Preset::default() {
            parts.push(format!("as {}", self.preset));
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_people() {
        let text = SamplingParams::default().to_string();
        assert_eq!(text, "temperature 0.8, top-k 36, top-p 0.7, seed 0");
        let text = SamplingParams::greedy().repetition(1.1).preset(Preset::Vllm).to_string();
        assert_eq!(text, "greedy, repetition 1.1, as vllm");
    }

    #[test]
    fn a_bad_value_is_named() {
        let bad = |params: SamplingParams| params.check(3, 100).unwrap_err().to_string();
        let p = SamplingParams::default;
        assert_eq!(bad(p().top_p(1.5)), "row 3: top_p is 1.5, it must be 0 to 1 (off)");
        assert!(bad(p().temperature(f32::NAN)).contains("temperature is NaN"));
        assert!(bad(p().temperature(f32::INFINITY)).contains("temperature is inf"));
        assert!(bad(p().repetition(0.0)).contains("repetition is 0"));
        assert!(bad(p().bias(vec![(100, 1.0)])).contains("token 100"));
        assert!(bad(p().bias(vec![(1, 1.0), (1, 2.0)])).contains("each once"));
        assert!(bad(p().bias(vec![(1, f32::INFINITY)])).contains("bias is inf"));
        assert!(bad(p().top_n(0)).contains("top_n is 0"));
        p().bias(vec![(1, f32::NEG_INFINITY)]).check(0, 2).unwrap();
    }

    #[test]
    fn serde_fills_in_what_is_not_said_and_rejects_what_is_unknown() {
        let params: SamplingParams = serde_json::from_str(r#"{"top_k": 5, "preset": "llama.cpp"}"#).unwrap();
        assert_eq!(params, SamplingParams::default().top_k(5).preset(Preset::LlamaCpp));
        assert!(serde_json::from_str::<SamplingParams>(r#"{"topk": 5}"#).is_err());
        let text = serde_json::to_string(&params).unwrap();
        assert_eq!(serde_json::from_str::<SamplingParams>(&text).unwrap(), params);
    }
}
