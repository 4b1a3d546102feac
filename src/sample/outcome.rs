//! What comes out of a draw.

use std::fmt;

use serde::Serialize;

/// The token of a row that has none.
pub const NO_TOKEN: u32 = u32::MAX;

/// What was found in a row. NaN never stops a batch: its row says so, and the others do not notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing unusual.
    #[default]
    Ok,
    /// At least one allowed logit is NaN; it was left out.
    Nan,
    /// At least one allowed logit is positive infinity: only such tokens remain, all equal.
    Inf,
    /// No token remains; the row's tokens are [`NO_TOKEN`].
    Empty,
}

impl Status {
    pub(crate) fn of_code(code: u32) -> Self {
        match code {
            0 => Self::Ok,
            1 => Self::Nan,
            2 => Self::Inf,
            _ => Self::Empty,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Nan => "nan",
            Self::Inf => "inf",
            Self::Empty => "empty",
        })
    }
}

/// A row's outcome.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Drawn {
    /// The tokens drawn, best key first; [`NO_TOKEN`] where fewer remain.
    pub tokens: Vec<u32>,
    /// What was found.
    pub status: Status,
    /// Tokens that survived the filters.
    pub kept: u32,
    /// What else was asked for.
    pub detail: Option<Detail>,
}

/// More about a row, where [`super::SamplerLayout::details`] asks for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detail {
    /// Of the first token drawn: its log-probability (nats) in the row as it came, at temperature 1.
    pub raw: f32,
    /// Its log-probability (nats) among the survivors, as it was drawn.
    pub processed: f32,
    /// How many tokens of the row as it came stand before it in the order "logit down, id up".
    pub rank: u32,
    /// The best tokens of the row as it came, with their log-probabilities at temperature 1.
    pub top: Vec<(u32, f32)>,
}
