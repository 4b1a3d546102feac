//! Typed, labelled buffers that stand on the ledger for as long as they live.

use std::marker::PhantomData;
use std::ops::Range;

use super::Gpu;
use super::ledger::Entry;
use crate::error::{Error, Result};

/// A buffer of `len` values of type `T` on the device.
#[derive(Debug)]
pub struct Buffer<T> {
    pub(super) raw: wgpu::Buffer,
    bytes: u64,
    label: String,
    // A caller's own buffer stands on the caller's books.
    _entry: Option<Entry>,
    _type: PhantomData<T>,
}

impl<T: bytemuck::Pod> Buffer<T> {
    /// Values in the buffer.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes / size_of::<T>() as u64
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Its label `class/part`.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Wraps a caller's buffer, which must have the usages STORAGE, COPY_SRC and COPY_DST.
    #[must_use]
    pub fn from_wgpu(raw: wgpu::Buffer, label: &str) -> Self {
        Self { bytes: raw.size(), raw, label: label.to_owned(), _entry: None, _type: PhantomData }
    }

    /// wgpu's buffer, for a runtime that binds or copies it on its own device.
    #[must_use]
    pub fn as_wgpu(&self) -> &wgpu::Buffer {
        &self.raw
    }

    /// Which buffer of the device it is: equal for equal buffers only.
    #[must_use]
    pub fn identity(&self) -> Identity {
        Identity(self.raw.clone())
    }

    /// The whole buffer, to bind.
    #[must_use]
    pub fn window(&self) -> Window<'_> {
        Window { raw: &self.raw, bytes: 0..self.bytes }
    }

    /// A part of the buffer, to bind; its beginning must be a multiple of the device's offset alignment.
    #[must_use]
    pub fn part(&self, bytes: Range<u64>) -> Window<'_> {
        Window { raw: &self.raw, bytes }
    }
}

/// Which buffer of a device something is about; it keeps the buffer alive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(wgpu::Buffer);

/// A part of a buffer that a kernel is given.
#[derive(Clone, Debug)]
pub struct Window<'a> {
    pub(super) raw: &'a wgpu::Buffer,
    pub(super) bytes: Range<u64>,
}

impl Window<'_> {
    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.end - self.bytes.start
    }
}

/// What sets the limit in errors about what one binding can show.
pub(crate) const BINDING: &str = "the device's max_storage_buffer_binding_size";

/// What sets the limit in errors of [`super::GpuOptions::memory_limit`].
pub(crate) const LIMIT: &str = "what is left of the memory limit";

/// Left to the host by [`Gpu::check_memory`] where the device's memory is the host's.
const HOST_RESERVE: u64 = 256 << 20;

impl Gpu {
    /// A new buffer of `len` values, all zero, under the label `class/part`.
    ///
    /// # Errors
    /// [`Error::TooLarge`] where it cannot fit, [`Error::OutOfMemory`] where the device refuses it.
    pub fn buffer<T: bytemuck::Pod>(&self, label: &str, len: u64) -> Result<Buffer<T>> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
        self.raw_buffer(label, len * size_of::<T>() as u64, usage, false)
    }

    pub(super) fn raw_buffer<T>(
        &self,
        label: &str,
        bytes: u64,
        usage: wgpu::BufferUsages,
        mapped_at_creation: bool,
    ) -> Result<Buffer<T>> {
        // Copies and clears work on whole words.
        let bytes = bytes.max(4).next_multiple_of(4);
        let limit = self.limits().max_buffer_size;
        if bytes > limit {
            return Err(Error::TooLarge {
                what: label.into(),
                asked: bytes,
                limit,
                limited_by: "the device's max_buffer_size",
            });
        }
        self.check_memory(label, bytes)?;
        let descriptor = wgpu::BufferDescriptor { label: Some(label), size: bytes, usage, mapped_at_creation };
        let raw = self.guarded(label, bytes, |device| device.create_buffer(&descriptor))?;
        let entry = self.ledger().enter(label, bytes);
        Ok(Buffer { raw, bytes, label: label.to_owned(), _entry: Some(entry), _type: PhantomData })
    }

    /// Refuses beforehand what cannot fit. A software device overcommits until the system kills the process, so there the host's
    /// available memory decides; elsewhere the device itself refuses.
    ///
    /// # Errors
    /// [`Error::TooLarge`].
    pub fn check_memory(&self, what: &str, asked: u64) -> Result<()> {
        if let Some(limit) = self.shared.memory_limit {
            let free = limit.saturating_sub(self.ledger().live_bytes());
            if asked > free {
                return Err(Error::TooLarge { what: what.into(), asked, limit: free, limited_by: LIMIT });
            }
        }
        // Small buffers are not worth a look into the system's tables.
        if self.info().is_software()
            && asked >= 1 << 20
            && let Some(available) = super::memory::host_available()
        {
            let limit = available.saturating_sub(HOST_RESERVE);
            if asked > limit {
                let limited_by = "the host's available memory (less 256 MiB), which this software device uses,";
                return Err(Error::TooLarge { what: what.into(), asked, limit, limited_by });
            }
        }
        Ok(())
    }
}
