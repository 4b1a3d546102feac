//! How long the device itself says that dispatches took.

use super::buffer::Buffer;
use super::{Gpu, Shared};
use crate::error::Result;

/// Timestamps around each compute pass.
pub(super) struct Timer {
    queries: wgpu::QuerySet,
    resolved: Buffer<u64>,
    count: u32,
    period: f32,
}

impl Timer {
    /// A timer for so many passes; `None` where the device has no timestamps or there is nothing to time.
    pub(super) fn new(gpu: &Gpu, passes: u32) -> Result<Option<Self>> {
        let Shared { device, queue, .. } = &*gpu.shared;
        if passes == 0 || !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let count = (2 * passes).min(wgpu::QUERY_SET_MAX_QUERIES);
        let descriptor = wgpu::QuerySetDescriptor { label: Some("timestamps"), ty: wgpu::QueryType::Timestamp, count };
        let queries = gpu.guarded("timestamps", 0, |device| device.create_query_set(&descriptor))?;
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let resolved = gpu.raw_buffer("scratch/timestamps", u64::from(count) * 8, usage, false)?;
        Ok(Some(Self { queries, resolved, count, period: queue.get_timestamp_period() }))
    }

    pub(super) fn pass(&self, index: u32) -> wgpu::ComputePassTimestampWrites<'_> {
        let begin = (2 * index).min(self.count - 2);
        wgpu::ComputePassTimestampWrites {
            query_set: &self.queries,
            beginning_of_pass_write_index: Some(begin),
            end_of_pass_write_index: Some(begin + 1),
        }
    }

    pub(super) fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.queries, 0..self.count, &self.resolved.raw, 0);
    }

    pub(super) fn bytes(&self) -> (&wgpu::Buffer, u64) {
        (&self.resolved.raw, u64::from(self.count) * 8)
    }

    pub(super) fn nanoseconds(&self, bytes: &[u8]) -> f64 {
        let ticks: Vec<u64> = bytes.chunks_exact(8).map(|b| u64::from_le_bytes(b.try_into().unwrap_or_default())).collect();
        let total: u64 = ticks.chunks_exact(2).map(|pair| pair[1].saturating_sub(pair[0])).sum();
        total as f64 * f64::from(self.period)
    }
}
