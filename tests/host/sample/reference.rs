//! The contract, written once more: probabilities in f64, a sorted row, each filter as its paper or peer has it. It shares nothing with
//! the library but the parameters. What survives must be the same unless a cut lies within the integers' resolution of its boundary.

use weighbridge::sample::{Preset, SamplingParams, decide};

/// A candidate, and its probability among the candidates of its stage.
#[derive(Clone, Copy, Debug)]
struct Token {
    id: u32,
    logit: f64,
    p: f64,
}

struct Reference {
    kept: Vec<Token>,
    /// How near the nearest cut was to its boundary, in the unit of that boundary's tolerance.
    nearest: f64,
}

fn normalise(tokens: &mut [Token], temperature: f64) {
    let top = tokens.iter().map(|t| t.logit).fold(f64::MIN, f64::max);
    tokens.iter_mut().for_each(|t| t.p = ((t.logit - top) / temperature).exp());
    let sum: f64 = tokens.iter().map(|t| t.p).sum();
    tokens.iter_mut().for_each(|t| t.p /= sum);
}

fn entropy(tokens: &[Token]) -> f64 {
    tokens.iter().filter(|t| t.p > 0.0).map(|t| -t.p * t.p.ln()).sum()
}

impl Reference {
    fn of(row: &[f32], params: &SamplingParams) -> Self {
        let mut tokens: Vec<Token> =
            row.iter().enumerate().map(|(id, x)| Token { id: id as u32, logit: f64::from(*x) + 0.0, p: 0.0 }).collect();
        tokens.sort_by(|a, b| b.logit.total_cmp(&a.logit).then(a.id.cmp(&b.id)));
        let last = matches!(params.preset, Preset::LlamaCpp | Preset::Mlx);
        let temperature = if last { 1.0 } else { f64::from(params.temperature) };
        let mut all = tokens.clone();
        normalise(&mut all, temperature);
        let resolution = 2f64.powi(-30).max(row.len() as f64 * 2f64.powi(-46));
        let mut reference = Self { kept: tokens, nearest: f64::MAX };
        let order: &[&str] = match params.preset {
            Preset::LlamaCpp => &["sigma", "k", "typical", "p", "min_p", "epsilon", "eta"],
            Preset::Vllm | Preset::TensorRtLlm => &["sigma", "min_p", "k", "p", "typical", "epsilon", "eta"],
            Preset::Mlx => &["sigma", "p", "min_p", "k", "typical", "epsilon", "eta"],
            _ => &["sigma", "k", "p", "min_p", "typical", "epsilon", "eta"],
        };
        for stage in order {
            normalise(&mut reference.kept, temperature);
            reference.stage(stage, params, &all, resolution);
        }
        normalise(&mut reference.kept, params.temperature.into());
        reference
    }

    fn note(&mut self, distance: f64, tolerance: f64) {
        self.nearest = self.nearest.min(distance.abs() / tolerance);
    }

    fn keep_first(&mut self, n: usize, params: &SamplingParams) {
        self.kept.truncate(n.max(params.min_keep as usize));
    }

    /// Keeps what has at least this probability.
    fn keep_heavy(&mut self, least: f64, params: &SamplingParams, resolution: f64) {
        let n = self.kept.iter().take_while(|t| t.p >= least).count();
        for t in self.kept.clone().iter().skip(n.saturating_sub(1)).take(2) {
            // In shares of the best token's weight, in which it is decided.
            self.note((t.p - least) / self.kept[0].p, resolution);
        }
        self.keep_first(n, params);
    }

    fn stage(&mut self, stage: &str, params: &SamplingParams, all: &[Token], resolution: f64) {
        match stage {
            "k" if params.top_k > 0 => self.keep_first(params.top_k as usize, params),
            "p" if params.top_p < 1.0 => {
                let zero_is_off = matches!(params.preset, Preset::Mlx | Preset::Candle);
                if params.top_p == 0.0 && zero_is_off {
                    return;
                }
                let p = f64::from(params.top_p);
                let (mut sum, mut n) = (0.0, 0);
                let shares: Vec<f64> = match params.preset {
                    Preset::Candle => self.kept.iter().map(|t| all[all.iter().position(|a| a.id == t.id).unwrap()].p).collect(),
                    _ => self.kept.iter().map(|t| t.p).collect(),
                };
                for share in shares {
                    let goes_on = if params.preset == Preset::TensorRtLlm { sum <= p } else { sum < p };
                    self.note(sum - p, resolution);
                    if !goes_on {
                        break;
                    }
                    sum += share;
                    n += 1;
                }
                self.keep_first(n.max(1), params);
            }
            "min_p" if params.min_p > 0.0 => {
                let least = f64::from(params.min_p) * self.kept[0].p;
                self.keep_heavy(least, params, resolution);
            }
            "epsilon" if params.epsilon > 0.0 => self.keep_heavy(params.epsilon.into(), params, resolution),
            "eta" if params.eta > 0.0 => {
                let eta = f64::from(params.eta);
                self.keep_heavy(eta.min(eta.sqrt() * (-entropy(&self.kept)).exp()), params, resolution * 4.0);
            }
            "sigma" if params.top_n_sigma > 0.0 => {
                let n = self.kept.len() as f64;
                let mean = self.kept.iter().map(|t| t.logit).sum::<f64>() / n;
                let deviation = (self.kept.iter().map(|t| (t.logit - mean).powi(2)).sum::<f64>() / n).sqrt();
                let least = self.kept[0].logit - f64::from(params.top_n_sigma) * deviation;
                let n = self.kept.iter().take_while(|t| t.logit >= least).count();
                for t in self.kept.clone().iter().skip(n.saturating_sub(1)).take(2) {
                    self.note((t.logit - least) / deviation.max(1e-30), 2f64.powi(-15));
                }
                self.keep_first(n, params);
            }
            "typical" if params.typical_p < 1.0 => {
                let h = entropy(&self.kept);
                let far = |t: &Token| (-t.p.ln() - h).abs();
                let mut order = self.kept.clone();
                order.sort_by(|a, b| far(a).total_cmp(&far(b)));
                let (mut sum, mut reach, mut n) = (0.0, 0.0, 0);
                for t in &order {
                    self.note(sum - f64::from(params.typical_p), resolution * 4.0);
                    if sum >= f64::from(params.typical_p) && n >= params.min_keep as usize {
                        // The next one is left out: it must be further away than what is told apart.
                        self.note(far(t) - reach, 2f64.powi(-24));
                        break;
                    }
                    sum += t.p;
                    reach = far(t);
                    n += 1;
                }
                self.kept.retain(|t| far(t) <= reach);
            }
            _ => {}
        }
    }
}

/// Reproducible numbers (PCG-like).
struct Numbers(u64);

impl Numbers {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 ^ (self.0 >> 29)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[(self.unit() * from.len() as f64) as usize].clone()
    }
}

fn params(numbers: &mut Numbers) -> SamplingParams {
    let mut p = SamplingParams::unfiltered();
    p.temperature = numbers.pick(&[0.3, 0.8, 1.0, 1.7, 6.0]);
    p.preset = numbers.pick(&Preset::ALL);
    let mut may = |values: &[f32], off: f32| {
        if numbers.unit() < 0.4 { values[(numbers.unit() * values.len() as f64) as usize] } else { off }
    };
    p.top_p = may(&[0.0, 0.1, 0.5, 0.7, 0.9, 0.99], 1.0);
    p.min_p = may(&[0.001, 0.05, 0.3, 1.0], 0.0);
    p.typical_p = may(&[0.2, 0.5, 0.9], 1.0);
    p.top_n_sigma = may(&[0.5, 1.0, 2.0, 3.5], 0.0);
    p.epsilon = may(&[0.0003, 0.01], 0.0);
    p.eta = may(&[0.0009, 0.01], 0.0);
    p.top_k = may(&[1.0, 2.0, 36.0, 256.0, 700.0], 0.0) as u32;
    p.min_keep = may(&[2.0, 5.0], 1.0) as u32;
    p
}

#[test]
fn kept_sets_are_those_of_the_reference() {
    let mut numbers = Numbers(11);
    let (mut compared, mut near) = (0, 0);
    for round in 0..3000 {
        let len = numbers.pick(&[1, 2, 5, 50, 400, 1500]);
        let spread = numbers.pick(&[0.01, 1.0, 5.0, 20.0]);
        // Some rows have steps, as BF16 logits do.
        let step: f64 = numbers.pick(&[0.0, 0.0, 0.125]);
        let row: Vec<f32> = (0..len)
            .map(|_| {
                let x = (numbers.unit() + numbers.unit() + numbers.unit() - 1.5) * spread;
                if step > 0.0 { ((x / step).round() * step) as f32 } else { x as f32 }
            })
            .collect();
        let params = params(&mut numbers);
        let want = Reference::of(&row, &params);
        let got = decide(&row, &params).unwrap().survivors();
        let ids = |kept: &[u32]| kept.iter().take(20).map(u32::to_string).collect::<Vec<_>>().join(" ");
        let (got_ids, want_ids): (Vec<u32>, Vec<u32>) =
            (got.iter().map(|t| t.0).collect(), want.kept.iter().map(|t| t.id).collect());
        if got_ids != want_ids {
            let message = format!(
                "round {round}: {params:?}\n got {} {}\nwant {} {}",
                got_ids.len(),
                ids(&got_ids),
                want_ids.len(),
                ids(&want_ids)
            );
            assert!(want.nearest < 1.0, "{message}\nnearest {}", want.nearest);
            near += 1;
            continue;
        }
        compared += 1;
        for ((id, log), want) in got.iter().zip(&want.kept) {
            if want.p > 1e-9 {
                let (got, want) = (f64::from(*log), want.p.ln());
                // To 2^-22, and to half a unit of an f32.
                assert!((got - want).abs() < 2.5e-7 + want.abs() * 6e-8, "round {round}, token {id}: {got}, want {want}");
            }
        }
    }
    assert!(compared > 2800, "{compared} of 3000 rows, {near} near a boundary");
}

#[test]
fn boundaries_that_are_hit_exactly() {
    // Equal logits make shares that are exact in binary.
    let kept = |len: usize, params: &SamplingParams| decide(&vec![1.5; len], params).unwrap().kept_count();
    let u = SamplingParams::unfiltered;
    for (len, p, want) in [(4, 0.5, 2), (4, 0.75, 3), (8, 0.125, 1), (8, 0.25, 2), (1024, 0.5, 512), (4096, 0.25, 1024)] {
        assert_eq!(kept(len, &u().top_p(p)), want, "{p} of {len}");
        assert_eq!(kept(len, &u().top_p(p).preset(Preset::TensorRtLlm)), want + 1, "{p} of {len} must be exceeded");
        assert_eq!(kept(len, &u().top_p(p).preset(Preset::Candle)), want, "{p} of {len} of the whole mass");
    }
    // What has just the least weight stays: the best one's equals at min-p 1, the shares of four at epsilon 1/4.
    assert_eq!(kept(5, &u().min_p(1.0)), 5);
    assert_eq!(kept(4, &u().epsilon(0.25)), 4);
    assert_eq!(kept(5, &u().epsilon(0.25)), 1);
    // Half the weight is a depth of one bit: ln 2 as f32 is a little more than that, the float before it a little less.
    let half = |x: f32| decide(&[0.0, -x], &u().min_p(0.5)).unwrap().kept_count();
    assert_eq!(
        [
            half(f32::from_bits(std::f32::consts::LN_2.to_bits() - 1)),
            half(f32::from_bits(std::f32::consts::LN_2.to_bits() + 1))
        ],
        [2, 1]
    );
}
