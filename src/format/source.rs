//! What is quantized: the types that weights come in, and what is done with values that are not finite.

use serde::Serialize;

use crate::error::{Error, Result};

/// The floating-point types that weights come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Element {
    /// IEEE binary32.
    F32,
    /// IEEE binary16.
    F16,
    /// The upper half of a binary32.
    Bf16,
}

impl Element {
    /// Bytes of a value.
    #[must_use]
    pub fn bytes(self) -> u64 {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// The file under `shaders/` that reads it.
    #[must_use]
    pub fn wgsl(self) -> &'static str {
        match self {
            Self::F32 => "source/f32",
            Self::F16 => "source/f16",
            Self::Bf16 => "source/bf16",
        }
    }

    /// Little-endian bytes as F32; every value of these types has one.
    #[must_use]
    pub fn widen(self, bytes: &[u8]) -> Vec<f32> {
        let half = |b: &[u8]| u16::from_le_bytes([b[0], b[1]]);
        match self {
            Self::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect(),
            Self::F16 => bytes.chunks_exact(2).map(|b| half::f16::from_bits(half(b)).to_f32()).collect(),
            Self::Bf16 => bytes.chunks_exact(2).map(|b| f32::from_bits(u32::from(half(b)) << 16)).collect(),
        }
    }
}

/// What is done with NaN and infinities in the input, and with values that round to infinity in F16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NonFinite {
    /// An error that names tensor, index and value.
    #[default]
    Reject,
    /// NaN becomes 0; infinities, and what is beyond the format's range, the largest finite value of their sign.
    Saturate,
    /// They are kept, where the format has codes for them.
    Keep,
}

impl NonFinite {
    /// The policy on one value that is about to be quantized.
    #[must_use]
    pub fn apply(self, value: f32, range: Range) -> f32 {
        match self {
            Self::Keep => value,
            _ if value.is_nan() => 0.0,
            _ if range.holds(value) => value,
            _ => range.largest.copysign(value),
        }
    }

    /// # Errors
    /// [`Error::Unsupported`] where a format without codes for them is asked to keep them.
    pub fn check(self, format: &super::Format) -> Result<()> {
        if self == Self::Keep && !format.holds_non_finite {
            return Err(Error::Unsupported {
                what: "the policy for non-finite values".into(),
                need: format!("{format} has no codes for NaN and infinities, so reject or saturate"),
                have: "keep".into(),
            });
        }
        Ok(())
    }
}

/// The finite values that a format holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// The largest of them.
    pub largest: f32,
    /// Magnitudes from here on round to infinity.
    pub overflow: f32,
}

impl Range {
    /// All finite values of F32: those of every format whose scales adapt.
    pub const F32: Self = Self { largest: f32::MAX, overflow: f32::INFINITY };
    /// Those of IEEE binary16.
    pub const F16: Self = Self { largest: 65504.0, overflow: 65520.0 };

    /// Whether a value is neither NaN nor beyond the range.
    #[must_use]
    pub fn holds(self, value: f32) -> bool {
        value.abs() < self.overflow
    }
}
