//! The sampler on the host: the same integers as the kernels', on a sorted row.

use super::chain::Chain;
use super::filters::{Candidate, filter};
use super::fixed::{BOTTOM, Depth, Scale, weight};
use super::gumbel::{gumbel, gumbel_bound};
use super::logprob::log_probability;
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
    /// Those that can be drawn, by id, with their depths in draws under an anchor on the grid. A token 64 bits under the best one
    /// cannot be drawn.
    able: Vec<(u32, Depth)>,
    stream: Stream,
    draws: usize,
}

#[derive(Clone, Copy, Debug)]
struct Survivor {
    id: u32,
    /// Its depth in draws under the best token.
    own: Depth,
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
    let kept = &candidates[kept];
    let mut able: Vec<_> = kept.iter().map(|c| (c.id, chain.draw.depth(&raised, c.key))).collect();
    able.retain(|(_, depth)| *depth != BOTTOM);
    able.sort_unstable_by_key(|(id, _)| *id);
    Ok(Decision {
        status,
        survivors: kept.iter().map(|c| Survivor { id: c.id, own: chain.draw.depth(&exact, c.key) }).collect(),
        able,
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

    /// The survivors in order, with their log-probabilities in draws.
    #[must_use]
    pub fn survivors(&self) -> Vec<(u32, f32)> {
        let mass = self.mass();
        self.survivors.iter().map(|s| (s.id, log_probability(s.own, mass))).collect()
    }

    fn mass(&self) -> u64 {
        self.survivors.iter().map(|s| weight(s.own)).sum()
    }

    /// The tokens drawn at a position: those with the best keys.
    #[must_use]
    pub fn draw(&self, position: u64) -> Vec<u32> {
        let stream = Stream { position, ..self.stream };
        // The higher score wins, then the lower id.
        let score = |depth: Depth, noise: i32| (i64::from(noise) << 8) - depth as i64;
        let (mut pair, mut bits) = (u32::MAX, [0; 2]);
        let mut bits_of = |id: u32| {
            // Neighbours share a call of the generator.
            if id >> 1 != pair {
                (pair, bits) = (id >> 1, stream.pair(id >> 1));
            }
            bits[id as usize & 1]
        };
        let mut tokens: Vec<u32> = if self.draws == 1 {
            let mut best = (i64::MIN, 0);
            for (id, depth) in &self.able {
                let bits = bits_of(*id);
                // Most of the noise need not be worked out.
                if score(*depth, gumbel_bound(bits)) >= best.0 {
                    best = best.max((score(*depth, gumbel(bits)), !*id));
                }
            }
            if best.0 == i64::MIN { vec![] } else { vec![!best.1] }
        } else {
            let mut scored: Vec<_> = self.able.iter().map(|(id, depth)| (score(*depth, gumbel(bits_of(*id))), !*id)).collect();
            scored.sort_unstable_by(|a, b| b.cmp(a));
            scored.iter().take(self.draws).map(|(_, id)| !id).collect()
        };
        tokens.resize(self.draws, NO_TOKEN);
        tokens
    }

    /// What the device's sampler returns for the row, without details: see [`Decision::detail`].
    #[must_use]
    pub fn drawn(&self, position: u64) -> Drawn {
        let tokens = self.draw(position);
        Drawn { tokens, status: self.status, kept: self.kept_count(), detail: None, survivors: None }
    }

    /// Details of a draw of `token`; `raw` is the row as it came, of which the `top` best are told.
    #[must_use]
    pub fn detail(&self, token: u32, raw: &[f32], top: usize) -> Option<Detail> {
        let own = self.survivors.iter().find(|s| s.id == token)?.own;
        let scale = Scale::of(1.0);
        let best = raw.iter().map(|x| key(*x)).max().unwrap_or(EXCLUDED);
        let anchor = scale.fixed(best);
        let depth = |id: u32| scale.depth(&anchor, key(raw[id as usize]));
        let lowest = if best == INFINITE { INFINITE } else { EXCLUDED + 1 };
        let mut order: Vec<u32> = (0..raw.len() as u32).filter(|id| key(raw[*id as usize]) >= lowest).collect();
        order.sort_unstable_by_key(|id| (!key(raw[*id as usize]), *id));
        let mass = order.iter().map(|id| weight(depth(*id))).sum();
        let before = |id: &u32| (!key(raw[*id as usize]), *id) < (!key(raw[token as usize]), token);
        Some(Detail {
            raw: log_probability(depth(token), mass),
            processed: log_probability(own, self.mass()),
            rank: (0..raw.len() as u32).filter(before).count() as u32,
            top: order.iter().take(top).map(|id| (*id, log_probability(depth(*id), mass))).collect(),
        })
    }
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
        // A bias of a token that the row has not got says nothing.
        if let Some(x) = row.get_mut(*id as usize) {
            *x = if *bias == f32::NEG_INFINITY { *bias } else { *x + bias };
        }
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
