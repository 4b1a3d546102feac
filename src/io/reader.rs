//! Reads numbers and strings from bytes that may be anything: every read is checked, and errors say where.

use std::path::Path;

use crate::error::{Error, Result};

/// A place in a file's bytes.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(path: &'a Path, bytes: &'a [u8], at: usize) -> Self {
        Self { path, bytes, at }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// An error at byte `offset`.
    pub(super) fn malformed(&self, offset: usize, message: impl Into<String>) -> Error {
        Error::Malformed { path: self.path.into(), offset: Some(offset as u64), message: message.into() }
    }

    /// The next `len` bytes.
    pub(super) fn take(&mut self, len: u64, what: &str) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let Some(taken) = usize::try_from(len).ok().and_then(|len| rest.get(..len)) else {
            return Err(self.malformed(self.at, format!("{what} of {len} bytes, and the file has {} left", rest.len())));
        };
        self.at += taken.len();
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N as u64, what)?);
        Ok(out)
    }

    pub(super) fn u8(&mut self, what: &str) -> Result<u8> {
        Ok(self.array::<1>(what)?[0])
    }

    pub(super) fn u16(&mut self, what: &str) -> Result<u16> {
        Ok(u16::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u32(&mut self, what: &str) -> Result<u32> {
        Ok(u32::from_le_bytes(self.array(what)?))
    }

    pub(super) fn u64(&mut self, what: &str) -> Result<u64> {
        Ok(u64::from_le_bytes(self.array(what)?))
    }

    /// A length of 64 bits, then as many bytes of UTF-8.
    pub(super) fn text(&mut self, what: &str) -> Result<&'a str> {
        let start = self.at;
        let len = self.u64(what)?;
        let bytes = self.take(len, what)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed(start, format!("{what} is no UTF-8")))
    }
}
