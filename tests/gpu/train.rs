//! Optimizer steps on the device beside their twin, the bytes that they keep, and outside makers.

use weighbridge::gpu::Gpu;
use weighbridge::train::{BLOCK_LEN, Hyper, OPTIMIZERS, Optimizer, Trained, Twin};

use crate::data::{Words, gpu, open, options};

fn weights(words: &mut Words, n: usize, scale: f32) -> Vec<f32> {
    (0..n).map(|_| words.weight() * scale).collect()
}

/// The largest distance of two lists as a share of the longest way that a weight went, and how many differ at all.
fn distance(got: &[f32], want: &[f32], start: &[f32]) -> (f32, usize) {
    let way = want.iter().zip(start).fold(0.0_f32, |most, (x, from)| most.max((x - from).abs()));
    let most = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    (most / way, got.iter().zip(want).filter(|(a, b)| a != b).count())
}

fn steps(gpu: &Gpu, optimizer: Optimizer, n: usize) {
    let mut words = Words(n as u64);
    let start = weights(&mut words, n, 1.0);
    let mut hyper = Hyper::default();
    hyper.seed = 0x1234_5678_9abc_def0;
    let mut trained = Trained::new(gpu, optimizer, "mlp", "test", &start).unwrap();
    let mut twin = Twin::new(optimizer, &start);
    for step in 0..3 {
        let mut gradients = weights(&mut words, n, 0.1);
        gradients.iter_mut().step_by(7).for_each(|g| *g = 0.0);
        trained.set_gradients(gpu, &gradients).unwrap();
        trained.step(gpu, &hyper).unwrap();
        twin.step(&gradients, &hyper);
        let got = trained.download(gpu).unwrap();
        let (off, differ) = distance(&got, &twin.weights, &start);
        // F32 arithmetic may round otherwise (2.5 ULP of a division, a fused product): a thousandth of the way. A code of a moment may be its
        // neighbour, and moves the weight by a part of the step. A weight in BF16 may round the other way, a whole unit, but rarely.
        let (bound, rarely) = match optimizer {
            Optimizer::AdamwF32 | Optimizer::SgdMomentum => (1e-3, n),
            Optimizer::Adamw8bit => (0.1, n),
            _ => (f32::INFINITY, n / 50 + 2),
        };
        assert!(off <= bound && differ <= rarely, "{} n {n} step {step}: {off}, {differ} differ", optimizer.name());
        assert!(got.iter().zip(&start).any(|(a, b)| a != b), "{} moved nothing", optimizer.name());
    }
}

#[test]
fn steps_are_those_of_the_twin() {
    for optimizer in OPTIMIZERS {
        for n in [4096, 1001] {
            steps(gpu(), optimizer, n);
        }
    }
}

#[test]
fn windows_make_no_difference() {
    let mut options = options();
    options.max_binding_bytes = Some(1 << 20);
    let small = open(options);
    let n = 600_001;
    let mut words = Words(5);
    let start = weights(&mut words, n, 1.0);
    let gradients = weights(&mut words, n, 0.1);
    for optimizer in OPTIMIZERS {
        let step = |gpu: &Gpu| {
            let mut trained = Trained::new(gpu, optimizer, "mlp", "test", &start).unwrap();
            trained.set_gradients(gpu, &gradients).unwrap();
            trained.step(gpu, &Hyper::default()).unwrap();
            trained.download(gpu).unwrap()
        };
        assert!(step(gpu()) == step(&small), "{}", optimizer.name());
    }
}

#[test]
fn bytes_on_the_ledger_are_those_of_the_card() {
    let gpu = open(options());
    let n = 37 * BLOCK_LEN;
    for optimizer in OPTIMIZERS {
        let trained = Trained::new(&gpu, optimizer, "mlp", "test", &vec![0.5; n as usize]).unwrap();
        gpu.trim();
        gpu.quiesce().unwrap();
        let (by_class, state) = (gpu.ledger().by_class(), optimizer.state(n));
        let class = |name: &str| by_class.get(name).copied().unwrap_or(0);
        // Parts are rounded up to 16 bytes; those of whole blocks need no rounding but their scales.
        let scales = state.scales.next_multiple_of(16);
        assert_eq!(class("mlp"), state.weights, "{}", optimizer.name());
        assert_eq!(class("gradient"), state.gradients);
        assert_eq!(class("optimizer"), state.optimizer() - state.scales + scales);
        assert_eq!(class("scratch"), if optimizer == Optimizer::Adamw8bit { 2048 } else { 0 }, "the codebooks");
        drop(trained);
    }
}

#[test]
fn stochastic_rounding_moves_where_rounding_to_the_nearest_stands_still() {
    // A step of 1e-3 x 1 on a weight of 1 is less than half a unit of BF16 (2^-8 below 2, 2^-9 below 1).
    let mut hyper = Hyper::default();
    hyper.rate = 1e-4;
    hyper.decay = 0.0;
    let n = 8192;
    let mut trained = Trained::new(gpu(), Optimizer::AdamwBf16, "mlp", "test", &vec![1.0; n]).unwrap();
    trained.set_gradients(gpu(), &vec![1.0; n]).unwrap();
    for _ in 0..10 {
        trained.step(gpu(), &hyper).unwrap();
    }
    let mean = trained.download(gpu()).unwrap().iter().map(|x| f64::from(*x)).sum::<f64>() / n as f64;
    assert!((mean - 0.999).abs() < 2e-4, "{mean}: ten steps of 1e-4");
}

#[test]
fn a_wrong_number_of_gradients_is_an_error() {
    let trained = Trained::new(gpu(), Optimizer::AdamwF32, "mlp", "test", &[1.0; 10]).unwrap();
    assert!(trained.set_gradients(gpu(), &[1.0; 9]).unwrap_err().to_string().contains("10 gradients"));
}
