//! A row's parameters as the integers that decide: what the twin follows and the device is given.

use super::fixed::{Scale, Share, share};
use super::params::SamplingParams;
use super::preset::Filter;

/// A filter with its integer values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Keep so many.
    TopK(u32),
    /// Keep this share of the mass; `strict` where it must be exceeded, `whole` where the mass is that of all candidates.
    TopP { share: Share, strict: bool, whole: bool },
    /// Keep this share of the first survivor's weight.
    MinP(Share),
    /// Keep this share of the mass, from the mean depth outwards.
    Typical(Share),
    /// Keep drops of so many standard deviations, in 2^-16.
    Sigma(u32),
    /// Keep this share of the mass in a single token.
    Epsilon(Share),
    /// Keep the lesser of a share of the mass and the root's share of the weight at the mean depth.
    Eta(Share, Share),
}

/// Stages at most: one of each filter.
pub(crate) const MOST_STAGES: usize = 7;

impl Stage {
    /// The words by which the device knows it: what it is, and two values.
    pub(crate) fn words(self) -> [u32; 3] {
        match self {
            Self::TopK(k) => [1, k, 0],
            Self::TopP { share, strict, whole } => [2, share, u32::from(strict) | u32::from(whole) << 1],
            Self::MinP(share) => [3, share, 0],
            Self::Epsilon(share) => [4, share, 0],
            Self::Typical(share) => [5, share, 0],
            Self::Sigma(deviations) => [6, deviations, 0],
            Self::Eta(share, root) => [7, share, root],
        }
    }

    /// Whether the list of a row's best tokens can settle it.
    pub(crate) fn is_quick(self) -> bool {
        self.words()[0] <= 4
    }
}

/// A row's chain.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    pub stages: Vec<Stage>,
    /// The scale that filters see.
    pub filter: Scale,
    /// The scale of the draw.
    pub draw: Scale,
    pub min_keep: u32,
}

impl Chain {
    /// The chain of checked parameters.
    pub(crate) fn of(params: &SamplingParams) -> Self {
        let preset = params.preset;
        let greedy = params.is_greedy();
        let draw = Scale::of(if greedy { 1.0 } else { params.temperature });
        let filter = if preset.temperature_last() { Scale::of(1.0) } else { draw };
        let stages = if greedy {
            vec![Stage::TopK(1)]
        } else {
            preset.order().into_iter().filter_map(|filter| stage(params, filter)).collect()
        };
        Self { stages, filter, draw, min_keep: if greedy { 1 } else { params.min_keep } }
    }

    /// Whether nothing is filtered.
    pub(crate) fn is_unfiltered(&self) -> bool {
        self.stages.is_empty()
    }
}

fn stage(params: &SamplingParams, filter: Filter) -> Option<Stage> {
    let preset = params.preset;
    let whole = |value: f32| share(value.into());
    match filter {
        Filter::Sigma if params.top_n_sigma > 0.0 => {
            Some(Stage::Sigma((f64::from(params.top_n_sigma) * 65536.0).round() as u32))
        }
        Filter::TopK if params.top_k > 0 => Some(Stage::TopK(params.top_k)),
        Filter::TopP if params.top_p < 1.0 && !(params.top_p == 0.0 && preset.zero_is_off()) => {
            Some(Stage::TopP { share: whole(params.top_p), strict: preset.strict(), whole: preset.whole_mass() })
        }
        Filter::MinP if params.min_p > 0.0 => Some(Stage::MinP(whole(params.min_p))),
        Filter::Typical if params.typical_p < 1.0 => Some(Stage::Typical(whole(params.typical_p))),
        Filter::Epsilon if params.epsilon > 0.0 => Some(Stage::Epsilon(whole(params.epsilon))),
        // IEEE's root: the same on every host.
        Filter::Eta if params.eta > 0.0 => Some(Stage::Eta(whole(params.eta), share(f64::from(params.eta).sqrt()))),
        _ => None,
    }
}
