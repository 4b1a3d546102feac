//! Buffers that the host can see, kept for the next transfer: fresh pages cost more than the copy.

use super::buffer::Buffer;
use super::{Gpu, Shared};
use crate::error::{Error, Result};

/// The direction of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Up,
    Down,
}

/// One submit stages at most this much; longer transfers take several.
const STAGING_LIMIT: u64 = 32 << 20;
/// A device that has finished and has not said so after this long does not answer any more.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(10);
const LEAST: u64 = 64 << 10;

/// Staging buffers that wait for work; those for uploads wait mapped.
#[derive(Debug, Default)]
pub(super) struct Staging {
    idle: Vec<(Way, Buffer<u8>)>,
}

impl Gpu {
    /// The most that one submit stages, in one direction.
    pub(super) fn staging_limit(&self) -> u64 {
        (self.limits().max_buffer_size / 8 * 8).min(STAGING_LIMIT)
    }

    /// A staging buffer of at least `bytes` (the limit at most), one that waits if there is one.
    pub(super) fn take_staging(&self, way: Way, bytes: u64) -> Result<Buffer<u8>> {
        {
            let mut staging = Shared::lock(&self.shared.staging);
            let fits = |(w, b): &(Way, Buffer<u8>)| *w == way && b.bytes() >= bytes;
            let best = (0..staging.idle.len()).filter(|i| fits(&staging.idle[*i])).min_by_key(|i| staging.idle[*i].1.bytes());
            if let Some(i) = best {
                return Ok(staging.idle.swap_remove(i).1);
            }
            // One too small is given up rather than kept beside its successor.
            staging.idle.retain(|(w, _)| *w != way);
        }
        let size = bytes.next_power_of_two().clamp(LEAST.min(self.staging_limit()), self.staging_limit());
        match way {
            Way::Up => {
                self.raw_buffer("staging/upload", size, wgpu::BufferUsages::MAP_WRITE | wgpu::BufferUsages::COPY_SRC, true)
            }
            Way::Down => {
                self.raw_buffer("staging/download", size, wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST, false)
            }
        }
    }

    /// Puts a staging buffer back; one for uploads must be mapped.
    pub(super) fn put_staging(&self, way: Way, buffer: Buffer<u8>) {
        Shared::lock(&self.shared.staging).idle.push((way, buffer));
    }

    /// Gives the staging buffers that wait back to the device.
    pub fn trim(&self) {
        Shared::lock(&self.shared.staging).idle.clear();
    }

    /// Maps a buffer and waits until it is.
    pub(super) fn map(&self, buffer: &Buffer<u8>, mode: wgpu::MapMode, bytes: u64) -> Result<()> {
        let (send, receive) = std::sync::mpsc::channel();
        buffer.raw.map_async(mode, 0..bytes, move |result| {
            let _ = send.send(result);
        });
        self.wait()?;
        // Another thread that waits for the same device may be the one that is told, a moment later.
        match receive.recv_timeout(ANSWER) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(self.lost_or_rejected(buffer.label(), &error)),
            Err(_) => Err(Error::DeviceLost { what: buffer.label().into(), reason: "the device does not answer".into() }),
        }
    }
}
