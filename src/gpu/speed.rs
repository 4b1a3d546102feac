//! How fast a device copies: the limit beside which other speeds are set.

use std::sync::Arc;
use std::time::Instant;

use super::{Buffer, Gpu, Kernel};
use crate::error::Result;

crate::params!(CopyParams { quads });

/// Two buffers and the kernel that copies one to the other.
#[derive(Debug)]
pub struct Copy {
    kernel: Arc<Kernel>,
    source: Buffer<u8>,
    values: Buffer<u8>,
}

impl Copy {
    /// Bytes copied by a run; it reads as many and writes as many.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.source.bytes()
    }

    /// Copies once, and waits.
    ///
    /// # Errors
    /// As [`super::Recording::run`].
    pub fn run(&self, gpu: &Gpu) -> Result<()> {
        let mut recording = gpu.record("the measurement of the copy speed");
        let windows = [("source", self.source.window()), ("values", self.values.window())];
        let quads = self.bytes() / 16;
        recording.dispatch(&self.kernel, &CopyParams { quads: quads as u32 }, &windows, quads)?;
        recording.run().map(drop)
    }
}

impl Gpu {
    /// Prepares a copy of `bytes`, or of as many as one binding holds.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn prepare_copy(&self, bytes: u64) -> Result<Copy> {
        let limits = self.limits();
        let bytes = bytes.min(limits.max_storage_buffer_binding_size).min(limits.max_buffer_size) / 16 * 16;
        Ok(Copy {
            kernel: self.kernel::<CopyParams>("copy", &[])?,
            source: self.buffer("scratch/copy_source", bytes)?,
            values: self.buffer("scratch/copy_values", bytes)?,
        })
    }

    /// Bytes read plus written in a second by the copy kernel, the median of `rounds` over buffers of `bytes`.
    /// Waiting for the device is part of it, so small buffers measure the way to the device and not its memory.
    ///
    /// # Errors
    /// As [`Gpu::prepare_copy`] and [`Copy::run`].
    pub fn copy_speed(&self, bytes: u64, rounds: usize) -> Result<f64> {
        let copy = self.prepare_copy(bytes)?;
        // The first round pays for fresh pages and for compiling.
        copy.run(self)?;
        let mut seconds = Vec::new();
        for _ in 0..rounds.max(1) {
            let start = Instant::now();
            copy.run(self)?;
            seconds.push(start.elapsed().as_secs_f64());
        }
        seconds.sort_by(f64::total_cmp);
        Ok(2.0 * copy.bytes() as f64 / seconds[seconds.len() / 2])
    }
}
