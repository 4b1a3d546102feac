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
    /// Log-probabilities and rank, where [`super::SamplerLayout::top`] asks for them and a token was drawn.
    pub detail: Option<Detail>,
    /// What survived, in the order "logit down, id up", with log-probabilities (nats) as drawn from, where
    /// [`super::SamplerLayout::kept`] asks for it. If more were kept than there was room for, some of them.
    pub survivors: Option<Vec<(u32, f32)>>,
}

/// More about a draw, of the first token that was drawn. Logarithms are within 2^-22, and the same on every device.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Detail {
    /// Its log-probability (nats) in the row as it came, at temperature 1.
    pub raw: f32,
    /// Its log-probability (nats) among the survivors, as it was drawn.
    pub processed: f32,
    /// How many tokens of the row as it came stand before it in the order "logit down, id up".
    pub rank: u32,
    /// The best tokens of the row as it came, with their log-probabilities at temperature 1.
    pub top: Vec<(u32, f32)>,
}

/// Words of a row's details before the best tokens.
pub(super) const DETAIL_WORDS: u64 = 4;

/// A row of what a step leaves in [`super::Sampler::tokens`], of which `asked` tokens were asked for.
pub(super) fn read_drawn(words: &[u32], rows: usize, draws: usize, row: usize, asked: usize) -> Drawn {
    let end = rows * draws + 2 * row;
    let tokens = words[row * draws..][..asked].to_vec();
    Drawn { tokens, status: Status::of_code(words[end]), kept: words[end + 1], ..Drawn::default() }
}

/// A row's details, where a token was drawn.
pub(super) fn read_detail(drawn: &Drawn, words: &[u32]) -> Option<Detail> {
    let pairs = words[DETAIL_WORDS as usize..].chunks_exact(2).map(|pair| (pair[0], f32::from_bits(pair[1])));
    let detail = Detail {
        raw: f32::from_bits(words[0]),
        processed: f32::from_bits(words[1]),
        rank: words[2],
        top: pairs.take(words[3] as usize).collect(),
    };
    (drawn.tokens[0] != NO_TOKEN).then_some(detail)
}
