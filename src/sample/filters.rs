//! The filters on a sorted row: the twin of `shaders/sample/stage` and of what the kernels cut with.

use std::ops::Range;

use super::chain::{Chain, Stage};
use super::fixed::{BOTTOM, Depth, depth_of_weight, portion, weight};
use super::order::{INFINITE, logit};

/// A candidate of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub key: u32,
    pub id: u32,
    /// How far it lies under the best one, as filters see it.
    pub depth: Depth,
    /// Its weight as filters see it.
    pub weight: u64,
}

/// What stages look at and cut: a row's candidates in order, of which a range survives.
pub(crate) struct Row<'a> {
    all: &'a [Candidate],
    kept: Range<usize>,
    whole_mass: u64,
}

/// What a stage asks for.
enum Wish {
    /// The fewest of the best with at least this mass and this many.
    Prefix(u64, u32),
    /// What lies no deeper; nothing if there is no such depth.
    Depth(Option<Depth>),
    /// What is nearest to a depth, with at least this mass.
    Band(Depth, u64),
    /// Keys no lower.
    Key(u32),
}

/// The candidates that survive the chain.
pub(crate) fn filter(candidates: &[Candidate], chain: &Chain) -> Range<usize> {
    let whole_mass = candidates.iter().map(|c| c.weight).sum();
    let mut row = Row { all: candidates, kept: 0..candidates.len(), whole_mass };
    for stage in &chain.stages {
        let wish = row.wish(*stage);
        row.apply(wish, chain.min_keep);
    }
    row.kept
}

impl Row<'_> {
    fn alive(&self) -> &[Candidate] {
        &self.all[self.kept.clone()]
    }

    fn mass(&self) -> u64 {
        self.alive().iter().map(|c| c.weight).sum()
    }

    fn wish(&self, stage: Stage) -> Wish {
        let first = self.alive().first().map_or(0, |c| c.weight);
        match stage {
            Stage::TopK(k) => Wish::Prefix(0, k),
            Stage::TopP { share, strict, whole } => {
                Wish::Prefix(portion(if whole { self.whole_mass } else { self.mass() }, share, strict), 1)
            }
            Stage::MinP(share) => Wish::Depth(depth_of_weight(portion(first, share, false))),
            Stage::Typical(share) => Wish::Band(self.mean_depth(), portion(self.mass(), share, false)),
            Stage::Sigma(deviations) => Wish::Key(self.lowest_within(deviations)),
            Stage::Epsilon(share) => Wish::Depth(depth_of_weight(portion(self.mass(), share, false))),
            Stage::Eta(share, root) => {
                let typical = portion(weight(self.mean_depth()), root, false);
                Wish::Depth(depth_of_weight(typical.min(portion(self.mass(), share, false))))
            }
        }
    }

    fn apply(&mut self, wish: Wish, min_keep: u32) {
        let alive = self.alive();
        let floor = (min_keep as usize).min(alive.len());
        let start = self.kept.start;
        match wish {
            Wish::Prefix(mass, count) => {
                let count = floor.max((count as usize).min(alive.len()));
                let reached = alive.iter().scan(0, |sum, c| Some(std::mem::replace(sum, *sum + c.weight)));
                let n = reached.take_while(|before| *before < mass).count();
                self.kept = start..start + n.max(count);
            }
            Wish::Depth(deepest) => {
                let n = deepest.map_or(0, |deepest| alive.iter().take_while(|c| c.depth <= deepest).count());
                self.kept = start..start + n.max(floor);
            }
            Wish::Key(lowest) => {
                let n = alive.iter().take_while(|c| c.key >= lowest).count();
                self.kept = start..start + n.max(floor);
            }
            Wish::Band(center, mass) => {
                let mut nearest: Vec<_> = alive.iter().map(|c| (distance(c.depth, center), c.weight)).collect();
                nearest.sort_by_key(|(distance, _)| *distance);
                let (mut reached, mut count, mut reach) = (0, 0, 0);
                for (distance, weight) in nearest {
                    if reached >= mass && count >= floor {
                        break;
                    }
                    reached += weight;
                    count += 1;
                    reach = distance;
                }
                // As near as the crossing token is near enough, and depths fall along the row: what is kept is a range.
                let near = |c: &&Candidate| distance(c.depth, center) <= reach;
                let skipped = alive.iter().take_while(|c| !near(c)).count();
                let n = alive[skipped..].iter().take_while(near).count();
                self.kept = start + skipped..start + skipped + n;
            }
        }
    }

    /// The mean depth under the softmax: the entropy less the surprise of the best token. Kept to 2^-26 of a bit.
    fn mean_depth(&self) -> Depth {
        let (mut sum, mut mass) = (0_u128, 0_u128);
        for c in self.alive().iter().filter(|c| c.depth != BOTTOM) {
            sum += u128::from(c.weight >> 14) * u128::from(c.depth >> 6);
            mass += u128::from(c.weight >> 14);
        }
        sum.checked_div(mass).map_or(0, |mean| (mean as Depth) << 6)
    }

    /// The lowest key within so many standard deviations (2^-16) of the best. Logits are counted in 2^-26 of the largest magnitude's
    /// power of two, so that every drop and every sum is an integer.
    fn lowest_within(&self, deviations: u32) -> u32 {
        let (Some(first), Some(last)) = (self.alive().first(), self.alive().last()) else { return 0 };
        if first.key == INFINITE {
            return INFINITE;
        }
        let unit = unit_of(first.key).max(unit_of(last.key));
        let top = coarse(first.key, unit);
        let drop = |key| (top - coarse(key, unit)) as u128;
        let (mut n, mut sum, mut squares) = (0_u128, 0, 0);
        for c in self.alive() {
            n += 1;
            sum += drop(c.key);
            squares += drop(c.key) * drop(c.key);
        }
        // n^2 variance, shifted up by an even number so that its root has 62 or 63 bits.
        let variance = n * squares - sum * sum;
        let shift = variance.leading_zeros().saturating_sub(2) / 2 * 2;
        let root = (variance << shift.min(126)).isqrt();
        let furthest = ((u128::from(deviations) * root) >> (shift.min(126) / 2 + 16)) / n;
        (0..32).rev().fold(0, |refused: u32, bit| {
            // The highest key that is refused, bit by bit; refusal ends once.
            let key = refused | 1 << bit;
            if key < last.key || (key <= first.key && drop(key) > furthest) { key } else { refused }
        }) + 1
    }
}

/// How far two depths are apart; what lies too deep is as far as can be.
fn distance(depth: Depth, center: Depth) -> Depth {
    depth.abs_diff(center).min((1 << 40) - 1)
}

fn unit_of(key: u32) -> i32 {
    ((logit(key).to_bits() >> 23 & 255) as i32).max(1)
}

/// A logit in 2^-26 of the power of two that `unit` (a biased exponent) stands for, towards zero.
fn coarse(key: u32, unit: i32) -> i64 {
    let bits = logit(key).to_bits();
    let mantissa = i64::from(bits & 0x7f_ffff) | if bits >> 23 & 255 == 0 { 0 } else { 0x80_0000 };
    let shift = 3 + unit_of(key) - unit;
    let magnitude = if shift >= 0 { mantissa << shift } else { mantissa >> (-shift).min(31) };
    if bits >> 31 == 1 { -magnitude } else { magnitude }
}
