//! A tensor in training on a device: its weights, gradients and states, each a buffer under its class.

use std::sync::Arc;

use super::codebook::{SIGNED, UNSIGNED, codebook};
use super::optimizer::{BLOCK_LEN, Hyper, Optimizer, Step};
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, Kernel, Program};

crate::params!(
    /// `struct Params` of `train/params.wgsl`; the floats as their bits.
    StepParams {
        elements, pair_first, number, seed_low, seed_high, turns, keep, beta1, part1, beta2, part2, epsilon, size, root,
    }
);

/// Elements of a window are a multiple of this, so that each buffer's part of it begins where every device can bind.
const ATOM: u64 = 1 << 16;

/// A tensor in training.
#[derive(Debug)]
pub struct Trained {
    optimizer: Optimizer,
    elements: u64,
    steps: u32,
    weights: Buffer<u8>,
    gradients: Buffer<u8>,
    states: Vec<(&'static str, Buffer<u8>)>,
}

impl Trained {
    /// Places F32 weights on the device in the optimizer's types; gradients and moments are 0. `class` and `name` make the labels
    /// `class/name`, `gradient/name`, `optimizer/name.first` and so on.
    ///
    /// # Errors
    /// As [`Gpu::buffer`] and [`crate::gpu::Recording::run`].
    pub fn new(gpu: &Gpu, optimizer: Optimizer, class: &str, name: &str, weights: &[f32]) -> Result<Self> {
        let trained = Self::zeros(gpu, optimizer, class, name, weights.len() as u64)?;
        let stored = encoded(weights, optimizer.element_bytes()[0]);
        trained.upload(gpu, &trained.weights, &stored)?;
        if optimizer.element_bytes()[2] > 0 {
            trained.upload(gpu, trained.state("master"), bytemuck::cast_slice(weights))?;
        }
        Ok(trained)
    }

    /// The same with weights of 0.
    ///
    /// # Errors
    /// As [`Trained::new`].
    pub fn zeros(gpu: &Gpu, optimizer: Optimizer, class: &str, name: &str, elements: u64) -> Result<Self> {
        let mut made = Vec::new();
        for (label, bytes) in optimizer.buffers(class, name, elements) {
            made.push(gpu.buffer::<u8>(&label, bytes)?);
        }
        let tables_at = if optimizer == Optimizer::Adamw8bit { made.pop() } else { None };
        let (Some(gradients), Some(weights)) = (made.pop(), made.pop()) else { unreachable!("every optimizer has both") };
        let parts = optimizer.state(elements).parts();
        let parts = parts.iter().skip(2).filter(|(_, bytes)| *bytes > 0).map(|(part, _)| *part);
        let mut trained = Self { optimizer, elements, steps: 0, weights, gradients, states: parts.zip(made).collect() };
        if let Some(tables_at) = tables_at {
            // It is the code of 0 that a moment of 0 has.
            let zero = |signed| codebook(signed).iter().position(|v| *v == 0.0).unwrap_or(0) as u8;
            for (part, signed) in [("first", SIGNED), ("second", UNSIGNED)] {
                let codes = vec![zero(signed); elements as usize];
                trained.upload(gpu, trained.state(part), &codes)?;
            }
            let tables: Vec<f32> = [codebook(SIGNED), codebook(UNSIGNED)].concat();
            trained.upload(gpu, &tables_at, bytemuck::cast_slice(&tables))?;
            trained.states.push(("codebooks", tables_at));
        }
        Ok(trained)
    }

    fn upload(&self, gpu: &Gpu, to: &Buffer<u8>, bytes: &[u8]) -> Result<()> {
        let mut recording = gpu.record("train");
        recording.upload(to, 0, bytes);
        recording.run().map(drop)
    }

    fn state(&self, part: &str) -> &Buffer<u8> {
        let found = self.states.iter().find(|(name, _)| *name == part);
        &found.unwrap_or_else(|| unreachable!("{} keeps {part}", self.optimizer.name())).1
    }

    /// Places F32 gradients on the device, in the type that the optimizer has for them.
    ///
    /// # Errors
    /// [`Error::Shape`] where there are not as many as weights; as [`crate::gpu::Recording::run`].
    pub fn set_gradients(&self, gpu: &Gpu, gradients: &[f32]) -> Result<()> {
        if gradients.len() as u64 != self.elements {
            return Err(Error::Shape {
                what: self.gradients.label().into(),
                want: format!("{} gradients", self.elements),
                got: gradients.len().to_string(),
            });
        }
        self.upload(gpu, &self.gradients, &encoded(gradients, self.optimizer.element_bytes()[1]))
    }

    /// Where the gradients lie, in the optimizer's type for them: for a backward pass that writes them on the device.
    #[must_use]
    pub fn gradients(&self) -> &Buffer<u8> {
        &self.gradients
    }

    /// Where the weights lie that a forward pass reads.
    #[must_use]
    pub fn weights(&self) -> &Buffer<u8> {
        &self.weights
    }

    /// Takes a step with the gradients that are there.
    ///
    /// # Errors
    /// As [`crate::gpu::Recording::dispatch`] and [`crate::gpu::Recording::run`].
    pub fn step(&mut self, gpu: &Gpu, hyper: &Hyper) -> Result<()> {
        let number = self.steps + 1;
        let step = Step::of(self.optimizer, hyper, number);
        let kernel = kernel(gpu, self.optimizer)?;
        let window = (gpu.limits().max_storage_buffer_binding_size / 8 / ATOM * ATOM).max(ATOM);
        let mut recording = gpu.record("train");
        for first in (0..self.elements).step_by(window as usize) {
            let elements = window.min(self.elements - first);
            let params = StepParams {
                elements: elements as u32,
                pair_first: (first / 2) as u32,
                number,
                seed_low: hyper.seed as u32,
                seed_high: (hyper.seed >> 32) as u32,
                turns: 10,
                keep: step.keep.to_bits(),
                beta1: step.beta1.to_bits(),
                part1: step.part1.to_bits(),
                beta2: step.beta2.to_bits(),
                part2: step.part2.to_bits(),
                epsilon: step.epsilon.to_bits(),
                size: step.size.to_bits(),
                root: step.root.to_bits(),
            };
            let mut buffers = vec![("weights", &self.weights), ("gradients", &self.gradients)];
            buffers.extend(self.states.iter().map(|(part, buffer)| (*part, buffer)));
            let part = |(name, buffer): (&'static str, &'_ Buffer<u8>)| {
                let of = |elements: u64| match name {
                    "codebooks" => 0,
                    "scales" => elements / BLOCK_LEN * 8,
                    _ => elements * self.bytes_of(name),
                };
                let (begin, rest) = (of(first), buffer.bytes());
                let end = if first + elements < self.elements { of(first + elements) } else { rest };
                (begin, if name == "codebooks" { rest } else { end })
            };
            let windows: Vec<_> = buffers
                .iter()
                .map(|(name, buffer)| {
                    let (begin, end) = part((*name, *buffer));
                    (*name, buffer.part(begin..end))
                })
                .collect();
            // Two elements an invocation; a workgroup a block, where blocks share scales.
            let blocks = elements.div_ceil(BLOCK_LEN) * u64::from(kernel.workgroup());
            let invocations = if self.optimizer == Optimizer::Adamw8bit { blocks } else { elements.div_ceil(2) };
            recording.dispatch(&kernel, &params, &kernel.pick(&windows), invocations)?;
        }
        recording.run()?;
        self.steps = number;
        Ok(())
    }

    fn bytes_of(&self, part: &str) -> u64 {
        let [weight, gradient, master, first, second] = self.optimizer.element_bytes();
        match part {
            "weights" => weight,
            "gradients" => gradient,
            "master" => master,
            "first" => first,
            _ => second,
        }
    }

    /// The weights, back on the host: those that the forward pass reads.
    ///
    /// # Errors
    /// As [`crate::gpu::Recording::run`].
    pub fn download(&self, gpu: &Gpu) -> Result<Vec<f32>> {
        let mut recording = gpu.record("train");
        let bytes = self.optimizer.element_bytes()[0];
        let download = recording.download(&self.weights, 0, (self.elements * bytes).next_multiple_of(4));
        let stored = recording.run()?.take(download);
        let mut values = decoded(&stored, bytes);
        values.truncate(self.elements as usize);
        Ok(values)
    }

    /// Elements of the tensor.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// Bytes asked of the device, by part: weights, gradients, master, first, second, scales, codebooks.
    #[must_use]
    pub fn requested(&self) -> Vec<(&'static str, u64)> {
        let mut parts = vec![("weights", self.weights.bytes()), ("gradients", self.gradients.bytes())];
        parts.extend(self.states.iter().map(|(part, buffer)| (*part, buffer.bytes())));
        parts
    }
}

fn encoded(values: &[f32], bytes: u64) -> Vec<u8> {
    match bytes {
        2 => values.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect(),
        _ => bytemuck::cast_slice(values).to_vec(),
    }
}

fn decoded(stored: &[u8], bytes: u64) -> Vec<f32> {
    match bytes {
        2 => crate::format::Element::Bf16.widen(stored),
        _ => crate::format::Element::F32.widen(stored),
    }
}

/// The kernel of an optimizer, and what fills its slots.
fn linked(optimizer: Optimizer) -> (&'static str, Vec<(&'static str, &'static str)>) {
    let slots = |weights, gradients, moments| {
        let random = if moments == "train/moments_bf16" { "train/random_pair" } else { "train/random_none" };
        let rule = if moments == "train/moments_one" { "train/momentum" } else { "train/adamw" };
        vec![("rule", rule), ("weights", weights), ("gradients", gradients), ("moments", moments), ("random", random)]
    };
    let f32s = ("train/weights_f32", "train/gradients_f32", "train/moments_f32");
    let (weights, gradients, moments) = match optimizer {
        Optimizer::Adamw8bit => return ("train/step_coded", vec![]),
        Optimizer::AdamwF32 => f32s,
        Optimizer::AdamwMixed => ("train/weights_master", "train/gradients_bf16", f32s.2),
        Optimizer::AdamwMixedF32Grad => ("train/weights_master", f32s.1, f32s.2),
        Optimizer::AdamwBf16 => ("train/weights_bf16", "train/gradients_bf16", "train/moments_bf16"),
        Optimizer::SgdMomentum => (f32s.0, f32s.1, "train/moments_one"),
    };
    ("train/step", slots(weights, gradients, moments))
}

fn kernel(gpu: &Gpu, optimizer: Optimizer) -> Result<Arc<Kernel>> {
    let (name, slots) = linked(optimizer);
    gpu.kernel::<StepParams>(name, &slots)
}

/// Every kernel, checked and not compiled: for tools that look at the shaders without a GPU.
///
/// # Errors
/// [`Error::Shader`] where one does not link or is out of step with its host side.
pub fn programs() -> Result<Vec<Program>> {
    let program = |optimizer| {
        let (name, slots) = linked(optimizer);
        Program::new::<StepParams>(name, &slots)
    };
    super::OPTIMIZERS.into_iter().map(program).collect()
}
