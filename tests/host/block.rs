//! The block's twin: its gradients are those of finite differences, and its tensors those of the list that estimates read.

use weighbridge::block::{Attention, BlockShape, Recompute};

use crate::block_maker::{Values, twin, weights, widened};

const SHAPE: BlockShape = BlockShape { hidden: 10, heads: 4, kv_heads: 2, head_dim: 6, ff: 14, gated: true };
const BATCH: usize = 2;
const TOKENS: usize = 5;

#[test]
fn gradients_are_finite_differences() {
    let mut values = Values(1);
    let start = weights(&SHAPE, &mut values);
    let block = twin(&SHAPE, &start);
    let n = BATCH * TOKENS * SHAPE.hidden as usize;
    let x = widened(&values.list(n as u64, 1.0));
    let dy = widened(&values.list(n as u64, 1.0));
    let loss = |block: &weighbridge::block::BlockTwin, x: &[f64]| -> f64 {
        block.forward(x, BATCH, TOKENS).tensors["y"].iter().zip(&dy).map(|(y, d)| y * d).sum()
    };
    let (dx, gradients) = block.backward(&block.forward(&x, BATCH, TOKENS), &dy);
    let step = 1e-5;
    let near = |what: &str, got: f64, plus: f64, minus: f64| {
        let want = (plus - minus) / (2.0 * step);
        assert!((got - want).abs() < 1e-6 * (1.0 + want.abs()), "{what}: {got}, finite difference {want}");
    };
    for i in 0..n {
        let moved = |by: f64| {
            let mut x = x.clone();
            x[i] += by;
            loss(&block, &x)
        };
        near(&format!("x[{i}]"), dx[i], moved(step), moved(-step));
    }
    assert_eq!(gradients.len(), 9);
    for (name, gradient) in &gradients {
        for i in (0..gradient.len()).step_by(7) {
            let moved = |by: f64| {
                let mut block = block.clone();
                block.weights.get_mut(name).unwrap()[i] += by;
                loss(&block, &x)
            };
            near(&format!("{name}[{i}]"), gradient[i], moved(step), moved(-step));
        }
    }
}

#[test]
fn the_list_of_what_is_kept_is_the_twins() {
    let mut values = Values(2);
    let block = twin(&SHAPE, &weights(&SHAPE, &mut values));
    let x = widened(&values.list((BATCH * TOKENS) as u64 * SHAPE.hidden, 1.0));
    let kept = block.forward(&x, BATCH, TOKENS);
    for attention in [Attention::Naive, Attention::Flash] {
        for saved in SHAPE.saved(BATCH as u64, TOKENS as u64, attention, Recompute::None) {
            assert_eq!(kept.tensors[saved.name].len() as u64, saved.elements(), "{}", saved.name);
        }
    }
    let parameters: u64 = block.weights.values().map(|w| w.len() as u64).sum();
    assert_eq!(SHAPE.parameters(), parameters);
}
