//! Blocks with random weights, and inputs for them.

use std::collections::BTreeMap;

use weighbridge::block::{BlockShape, BlockTwin};

/// Reproducible values in -1 .. 1.
pub struct Values(pub u64);

impl Values {
    pub fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 40) as f32 / (1 << 23) as f32 - 1.0
    }

    pub fn list(&mut self, n: u64, scale: f32) -> Vec<f32> {
        (0..n).map(|_| self.next() * scale).collect()
    }
}

pub fn widened(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

/// Weights by name, of a size that keeps the hidden state near 1.
pub fn weights(shape: &BlockShape, values: &mut Values) -> BTreeMap<&'static str, Vec<f32>> {
    let of = |(name, [out, into]): (&'static str, [u64; 2])| {
        let norm = out == 1;
        let scale = if norm { 0.2 } else { 1.5 / (into as f32).sqrt() };
        let list = values.list(out * into, scale);
        (name, if norm { list.into_iter().map(|x| 1.0 + x).collect() } else { list })
    };
    shape.weights().into_iter().map(of).collect()
}

pub fn twin(shape: &BlockShape, weights: &BTreeMap<&'static str, Vec<f32>>) -> BlockTwin {
    BlockTwin { shape: *shape, weights: weights.iter().map(|(name, w)| (*name, widened(w))).collect() }
}
