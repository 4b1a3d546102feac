//! Blocks with weights on a device, for measurements of a forward, a backward and a decode step.

use crate::block::{BlockShape, Parameters};
use crate::error::Result;
use crate::gpu::{Buffer, Gpu};
use crate::train::{Optimizer, Trained};

/// Reproducible values in -1 .. 1 (a linear congruential generator, its upper bits).
pub(super) fn values(n: u64, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// Weights that keep the hidden state near 1.
pub(super) fn weights(shape: &BlockShape, seed: u64) -> Vec<(&'static str, Vec<f32>)> {
    let of = |(i, (name, [out, into])): (usize, (&'static str, [u64; 2]))| {
        if out == 1 {
            return (name, vec![1.0; into as usize]);
        }
        let scale = 1.5 / (into as f32).sqrt();
        (name, values(out * into, seed + i as u64).into_iter().map(|x| x * scale).collect())
    };
    shape.weights().into_iter().enumerate().map(of).collect()
}

/// The class of a block's weight.
pub(super) fn class(name: &str) -> &'static str {
    match name {
        "attention_norm" | "mlp_norm" => "norm",
        "gate" | "up" | "down" => "mlp",
        _ => "attention",
    }
}

/// A buffer with values in it.
pub(super) fn place(gpu: &Gpu, label: &str, values: &[f32]) -> Result<Buffer<f32>> {
    let buffer = gpu.buffer(label, values.len() as u64)?;
    let mut recording = gpu.record("measure");
    recording.upload(&buffer, 0, bytemuck::cast_slice(values));
    recording.run()?;
    Ok(buffer)
}

/// A buffer's values.
pub(super) fn read(gpu: &Gpu, buffer: &Buffer<f32>) -> Result<Vec<f32>> {
    let mut recording = gpu.record("measure");
    let download = recording.download(buffer, 0, buffer.bytes());
    Ok(recording.run()?.take_words(download).into_iter().map(f32::from_bits).collect())
}

/// A layer in training with AdamW in F32.
pub(super) struct TrainedLayer(pub Vec<(&'static str, Trained)>);

impl TrainedLayer {
    pub(super) fn new(gpu: &Gpu, shape: &BlockShape, layer: u64) -> Result<Self> {
        let of = |(name, values): (&'static str, Vec<f32>)| {
            let label = format!("{layer}.{name}");
            Ok((name, Trained::new(gpu, Optimizer::AdamwF32, class(name), &label, &values)?))
        };
        weights(shape, 1000 * layer).into_iter().map(of).collect::<Result<_>>().map(Self)
    }

    pub(super) fn weights(&self) -> Parameters<'_> {
        Parameters::new(self.0.iter().map(|(name, trained)| (*name, trained.weights().window())))
    }

    pub(super) fn gradients(&self) -> Parameters<'_> {
        Parameters::new(self.0.iter().map(|(name, trained)| (*name, trained.gradients().window())))
    }
}
