//! The sampler on the host: the same integers as the kernels', on a sorted row.

use super::chain::Chain;
use super::filters::{Candidate, filter};
use super::fixed::{BOTTOM, Scale, WHOLE, weight};
use super::gumbel::gumbel;
use super::order::{EXCLUDED, INFINITE, key};
use super::outcome::{Detail, Drawn, NO_TOKEN, Status};
use super::params::{SamplingParams, Scope};
use super::philox::Stream;
use crate::error::Result;

/// A row whose filters have acted; any number of draws can be made from it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// What was found in the row.
    pub status: Status,
    survivors: Vec<Survivor>,
    stream: Stream,
    draws: usize,
}

#[derive(Clone, Copy, Debug)]
struct Survivor {
    id: u32,
    key: u32,
    /// Its depth in draws, under an anchor on the grid.
    depth: u64,
    /// Its weight in draws.
    weight: u64,
}

/// Applies the filters of `params` to a row of logits, as the device does it. Penalties look at nothing here: see [`penalize`].
///
/// # Errors
/// [`crate::Error::Parameter`].
pub fn decide(logits: &[f32], params: &SamplingParams) -> Result<Decision> {
    params.check(0, logits.len() as u64)?;
    let chain = Chain::of(params);
    let best = logits.iter().map(|x| key(*x)).max().unwrap_or(EXCLUDED);
    let nan = logits.iter().any(|x| x.is_nan());
    let status = match best {
        EXCLUDED => Status::Empty,
        INFINITE => Status::Inf,
        _ if nan => Status::Nan,
        _ => Status::Ok,
    };
    let anchor = chain.filter.fixed(best);
    let lowest = if best == INFINITE { INFINITE } else { EXCLUDED + 1 };
    let keys = logits.iter().enumerate().map(|(id, x)| (key(*x), id as u32)).filter(|(key, _)| *key >= lowest);
    let mut candidates: Vec<_> = keys
        .map(|(key, id)| {
            let depth = chain.filter.depth(&anchor, key);
            Candidate { key, id, depth, weight: weight(depth) }
        })
        .collect();
    candidates.sort_unstable_by_key(|c| (!c.key, c.id));
    let kept = filter(&candidates, &chain);
    let (exact, raised) = (chain.draw.fixed(best), chain.draw.fixed(best).raised());
    let survivor = |c: &Candidate| Survivor {
        id: c.id,
        key: c.key,
        depth: chain.draw.depth(&raised, c.key),
        weight: weight(chain.draw.depth(&exact, c.key)),
    };
    Ok(Decision {
        status,
        survivors: candidates[kept].iter().map(survivor).collect(),
        stream: Stream { seed: params.seed, position: 0, stream: params.stream },
        draws: params.top_n as usize,
    })
}

impl Decision {
    /// Tokens that survived the filters.
    #[must_use]
    pub fn kept_count(&self) -> u32 {
        self.survivors.len() as u32
    }

    /// The survivors in order, with their probabilities in draws.
    #[must_use]
    pub fn kept(&self) -> Vec<(u32, f64)> {
        let mass = self.mass() as f64;
        self.survivors.iter().map(|s| (s.id, s.weight as f64 / mass)).collect()
    }

    fn mass(&self) -> u64 {
        self.survivors.iter().map(|s| s.weight).sum()
    }

    /// The tokens drawn at a position: those with the best keys.
    #[must_use]
    pub fn draw(&self, position: u64) -> Vec<u32> {
        let stream = Stream { position, ..self.stream };
        // The higher score wins, then the lower id. A token 64 bits under the best one cannot be drawn.
        let able = self.survivors.iter().filter(|s| s.depth != BOTTOM);
        let scored = able.map(|s| ((i64::from(gumbel(stream.bits(s.id))) << 8) - s.depth as i64, !s.id));
        let mut tokens: Vec<u32> = if self.draws == 1 {
            scored.max().into_iter().map(|(_, id)| !id).collect()
        } else {
            let mut scored: Vec<_> = scored.collect();
            scored.sort_unstable_by(|a, b| b.cmp(a));
            scored.iter().take(self.draws).map(|(_, id)| !id).collect()
        };
        tokens.resize(self.draws, NO_TOKEN);
        tokens
    }

    /// What the device's sampler returns for the row; `raw` is the row as it came, where details are wanted, with how many best.
    #[must_use]
    pub fn drawn(&self, position: u64, raw: Option<(&[f32], usize)>) -> Drawn {
        let tokens = self.draw(position);
        let detail = raw.filter(|_| tokens[0] != NO_TOKEN).map(|(raw, n)| self.detail(tokens[0], raw, n));
        Drawn { tokens, status: self.status, kept: self.kept_count(), detail }
    }

    fn detail(&self, token: u32, raw: &[f32], n: usize) -> Detail {
        let scale = Scale::of(1.0);
        let mut order: Vec<_> = (0..raw.len() as u32).map(|id| (!key(raw[id as usize]), id)).collect();
        order.sort_unstable();
        let anchor = scale.fixed(!order[0].0);
        let depth = |key| scale.depth(&anchor, key);
        let candidates = || order.iter().map(|(k, id)| (!k, *id)).filter(|(k, _)| *k != EXCLUDED);
        let mass = candidates().map(|(k, _)| weight(depth(k))).sum();
        let own = self.survivors.iter().find(|s| s.id == token).map_or(0, |s| s.weight);
        Detail {
            raw: log_probability(depth(key(raw[token as usize])), mass),
            processed: log_of_share(own, self.mass()),
            rank: order.iter().position(|(_, id)| *id == token).unwrap_or(0) as u32,
            top: candidates().take(n).map(|(k, id)| (id, log_probability(depth(k), mass))).collect(),
        }
    }
}

/// The log-probability in nats of a depth in a mass; negative infinity where the depth has no end.
pub(crate) fn log_probability(depth: u64, mass: u64) -> f32 {
    if depth == BOTTOM || mass == 0 {
        return f32::NEG_INFINITY;
    }
    let bits = depth as f64 / 2f64.powi(32) + (mass as f64 / WHOLE as f64).log2();
    (-bits * std::f64::consts::LN_2) as f32
}

/// The logarithm of a weight's share in a mass.
pub(crate) fn log_of_share(weight: u64, mass: u64) -> f32 {
    (weight as f64 / mass as f64).ln() as f32
}

/// A row after mask, bias and penalties, as the device makes it: each step rounded as IEEE binary32 rounds. Tokens whose bit is 0 in
/// `mask` (token j is bit j & 31 of word j >> 5; a missing word masks) become negative infinity, whatever they hold.
#[must_use]
pub fn penalize(logits: &[f32], params: &SamplingParams, mask: Option<&[u32]>, prompt: &[u32], output: &[u32]) -> Vec<f32> {
    let mut row = logits.to_vec();
    if let Some(mask) = mask {
        for (id, x) in row.iter_mut().enumerate() {
            if mask.get(id / 32).is_none_or(|word| word >> (id % 32) & 1 == 0) {
                *x = f32::NEG_INFINITY;
            }
        }
    }
    for (id, bias) in &params.bias {
        let x = &mut row[*id as usize];
        *x = if *bias == f32::NEG_INFINITY { *bias } else { *x + bias };
    }
    let seen = |scope| {
        let last = match scope {
            Scope::Output => output.len(),
            Scope::All => prompt.len() + output.len(),
            Scope::Last(n) => (n as usize).min(prompt.len() + output.len()),
        };
        let mut counts = std::collections::BTreeMap::new();
        let scoped = prompt.iter().chain(output).skip(prompt.len() + output.len() - last);
        for id in scoped.filter(|id| (**id as usize) < logits.len()) {
            *counts.entry(*id).or_insert(0_u32) += 1;
        }
        counts
    };
    if params.repetition != 1.0 {
        for id in seen(params.repetition_scope()).into_keys() {
            let x = &mut row[id as usize];
            *x = if *x > 0.0 { *x / params.repetition } else { *x * params.repetition };
        }
    }
    if params.frequency != 0.0 || params.presence != 0.0 {
        for (id, count) in seen(params.presence_scope()) {
            row[id as usize] -= params.frequency * count as f32 + params.presence;
        }
    }
    row
}
