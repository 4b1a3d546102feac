//! A million draws are distributed as the probabilities say, tails included.

use std::collections::HashMap;
use std::thread;

use weighbridge::sample::{Decision, SamplingParams, decide};

use super::real_rows;

const DRAWS: u64 = 1_000_000;

/// How many deviations a chi-square statistic lies above what is expected (Wilson and Hilferty 1931).
fn deviations(chi_square: f64, freedom: f64) -> f64 {
    let spread = 2.0 / (9.0 * freedom);
    ((chi_square / freedom).cbrt() - (1.0 - spread)) / spread.sqrt()
}

/// Chi-square of counts against probabilities; what is expected less than 8 times is pooled, tails by powers of e.
#[track_caller]
fn assert_fits(what: &str, counts: &HashMap<u32, u64>, probabilities: &[(u32, f64)]) {
    let total: u64 = counts.values().sum();
    let stray = counts.keys().find(|id| !probabilities.iter().any(|(known, _)| known == *id));
    assert_eq!(stray, None, "{what}: drawn, though it did not survive");
    let (mut chi_square, mut bins) = (0.0, 0);
    let mut pools: HashMap<i32, (f64, f64)> = HashMap::new();
    let mut bin = |expected: f64, seen: f64| {
        chi_square += (seen - expected).powi(2) / expected;
        bins += 1;
    };
    for (id, p) in probabilities {
        let (expected, seen) = (p * total as f64, counts.get(id).copied().unwrap_or(0) as f64);
        if expected >= 8.0 {
            bin(expected, seen);
        } else {
            let pool = pools.entry(p.ln().floor().max(-40.0) as i32).or_default();
            *pool = (pool.0 + expected, pool.1 + seen);
        }
    }
    let mut pools: Vec<_> = pools.into_iter().collect();
    pools.sort_by_key(|(depth, _)| *depth);
    let mut rest = (0.0, 0.0);
    for (_, (expected, seen)) in pools {
        rest = (rest.0 + expected, rest.1 + seen);
        if rest.0 >= 8.0 {
            bin(rest.0, rest.1);
            rest = (0.0, 0.0);
        }
    }
    assert!(rest.0 > 0.0 || rest.1 == 0.0, "{what}: drawn, though it cannot be");
    assert_eq!(total, DRAWS);
    if bins > 1 {
        let z = deviations(chi_square, f64::from(bins - 1));
        assert!(z.abs() < 4.5, "{what}: chi-square {chi_square:.1} over {bins} bins, {z:.2} deviations");
    }
}

/// Counts of draws, each by its number.
fn count(draw: impl Fn(u64) -> u32 + Sync) -> HashMap<u32, u64> {
    let threads = thread::available_parallelism().map_or(2, |n| n.get()) as u64;
    let part = |thread: u64| {
        let mut counts = HashMap::new();
        for i in (thread..DRAWS).step_by(threads as usize) {
            *counts.entry(draw(i)).or_insert(0) += 1;
        }
        counts
    };
    let mut all = HashMap::new();
    thread::scope(|scope| {
        let parts: Vec<_> = (0..threads).map(|t| scope.spawn(move || part(t))).collect();
        for part in parts {
            for (id, n) in part.join().unwrap() {
                *all.entry(id).or_insert(0) += n;
            }
        }
    });
    all
}

fn probabilities(decision: &Decision) -> Vec<(u32, f64)> {
    decision.survivors().into_iter().map(|(id, log)| (id, f64::from(log).exp())).collect()
}

#[test]
fn draws_of_real_rows() {
    let u = SamplingParams::unfiltered;
    // The flattest row, and a peaked one; by positions of one seed.
    for (row, params) in
        [(15, u().top_k(200).temperature(1.4)), (9, SamplingParams::default()), (4, u().top_p(0.98).top_k(400))]
    {
        let decision = decide(&real_rows()[row], &params.seed(row as u64)).unwrap();
        assert_fits(&format!("row {row}"), &count(|i| decision.draw(i)[0]), &probabilities(&decision));
    }
}

#[test]
fn a_long_tail_far_below() {
    // 600 tokens, 12 nats under the best: 0.37 % of the mass, of which no token has its share by chance.
    let row: Vec<f32> = (0..600).map(|i| if i == 77 { 12.0 } else { (i % 3) as f32 * 0.25 }).collect();
    let decision = decide(&row, &SamplingParams::unfiltered().seed(5)).unwrap();
    assert_fits("tail", &count(|i| decision.draw(i)[0]), &probabilities(&decision));
}

#[test]
fn by_seeds_and_by_streams() {
    let row: Vec<f32> = (0..24).map(|i| (i * 7 % 24) as f32 * 0.2).collect();
    let of = |seed: u64, stream: u32| decide(&row, &SamplingParams::unfiltered().seed(seed).stream(stream)).unwrap();
    let want = probabilities(&of(0, 0));
    assert_fits("seeds", &count(|i| of(i, 0).draw(7)[0]), &want);
    assert_fits("distant seeds", &count(|i| of(i << 40, 0).draw(7)[0]), &want);
    assert_fits("streams", &count(|i| of(1, i as u32).draw(7)[0]), &want);
    assert_fits("distant positions", &count(|i| of(1, 0).draw(i << 36)[0]), &want);
}

#[test]
fn neighbours_do_not_know_each_other() {
    // Pairs of draws at neighbouring positions, and of neighbouring seeds, over 12 equal tokens: 144 equal cells.
    let row = [0.0_f32; 12];
    let at = |seed: u64| decide(&row, &SamplingParams::unfiltered().seed(seed)).unwrap();
    let cells: Vec<(u32, f64)> = (0..144).map(|i| (i, 1.0 / 144.0)).collect();
    let one = at(9);
    assert_fits("positions", &count(|i| one.draw(2 * i)[0] * 12 + one.draw(2 * i + 1)[0]), &cells);
    assert_fits("seeds", &count(|i| at(2 * i).draw(3)[0] * 12 + at(2 * i + 1).draw(3)[0]), &cells);
}

#[test]
fn draws_without_replacement() {
    // Of two draws the first is as of one, and the second as of what is left.
    let row = [0.0_f32, 1.0, 2.0, 0.5];
    let decision = decide(&row, &SamplingParams::unfiltered().top_n(2)).unwrap();
    let p: Vec<f64> = {
        let sum: f64 = row.iter().map(|x| f64::from(*x).exp()).sum();
        row.iter().map(|x| f64::from(*x).exp() / sum).collect()
    };
    let pairs = (0..16_u32).filter(|i| i / 4 != i % 4);
    let want: Vec<(u32, f64)> = pairs.map(|i| (i, p[i as usize / 4] * p[i as usize % 4] / (1.0 - p[i as usize / 4]))).collect();
    let counts = count(|i| {
        let drawn = decision.draw(i);
        drawn[0] * 4 + drawn[1]
    });
    assert_fits("pairs", &counts, &want);
}
