//! Logits where they lie.

use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::Buffer;

/// Rows of logits in a buffer on the device: the caller's own ([`Buffer::from_wgpu`]) or one of this library.
#[derive(Clone, Copy, Debug)]
pub struct Logits<'a> {
    pub(super) buffer: &'a Buffer<u8>,
    pub(super) element: Element,
    pub(super) rows: u64,
    pub(super) vocab: u64,
    pub(super) first: u64,
    pub(super) stride: u64,
}

impl<'a> Logits<'a> {
    /// `[rows, vocab]` logits, row-major, from the beginning of `buffer`.
    ///
    /// # Errors
    /// [`Error::Shape`] where the buffer is too small.
    pub fn new(buffer: &'a Buffer<u8>, element: Element, rows: u64, vocab: u64) -> Result<Self> {
        Self { buffer, element, rows, vocab, first: 0, stride: vocab }.checked()
    }

    /// The same beginning at element `first`, with `stride` elements from row to row: a window of something larger.
    ///
    /// # Errors
    /// [`Error::Shape`] where rows overlap or the buffer is too small.
    pub fn window(self, first: u64, stride: u64) -> Result<Self> {
        Self { first, stride, ..self }.checked()
    }

    fn checked(self) -> Result<Self> {
        let elements = self.buffer.bytes() / self.element.bytes();
        let end = self.rows.saturating_sub(1).checked_mul(self.stride).and_then(|n| n.checked_add(self.first + self.vocab));
        if self.stride < self.vocab || end.is_none_or(|end| end > elements) {
            return Err(Error::Shape {
                what: self.buffer.label().into(),
                want: format!("{} rows of {} logits, {} apart, from {}", self.rows, self.vocab, self.stride, self.first),
                got: format!("{elements} values of {} bytes", self.element.bytes()),
            });
        }
        Ok(self)
    }
}
