//! How fast a device copies: the limit beside which other speeds are set.

use std::time::Instant;

use super::Gpu;
use crate::error::Result;

crate::params!(CopyParams { quads });

impl Gpu {
    /// Bytes read plus written in a second by the copy kernel, the median of `rounds` over buffers of `bytes`.
    /// Waiting for the device is part of it, so small buffers measure the way to the device and not its memory.
    ///
    /// # Errors
    /// As [`super::Recording::run`], and where two buffers of `bytes` do not fit.
    pub fn copy_speed(&self, bytes: u64, rounds: usize) -> Result<f64> {
        let limits = self.limits();
        let bytes = bytes.min(limits.max_storage_buffer_binding_size).min(limits.max_buffer_size) / 16 * 16;
        let kernel = self.kernel::<CopyParams>("copy", &[])?;
        let source = self.buffer::<u8>("scratch/copy_source", bytes)?;
        let values = self.buffer::<u8>("scratch/copy_values", bytes)?;
        let mut seconds = Vec::new();
        for round in 0..=rounds {
            let mut recording = self.record("the measurement of the copy speed");
            let windows = [("source", source.window()), ("values", values.window())];
            recording.dispatch(&kernel, &CopyParams { quads: (bytes / 16) as u32 }, &windows, bytes / 16)?;
            let start = Instant::now();
            recording.run()?;
            // The first round pays for fresh pages and for compiling.
            if round > 0 {
                seconds.push(start.elapsed().as_secs_f64());
            }
        }
        seconds.sort_by(f64::total_cmp);
        Ok(2.0 * bytes as f64 / seconds[seconds.len() / 2])
    }
}
