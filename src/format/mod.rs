//! What stored bytes mean. Each format has a card ([`Format`], a plain value), a codec in `shaders/format/` and a twin here:
//! plain Rust that the kernel must equal bit for bit.
//!
//! ```
//! use weighbridge::format::Format;
//!
//! let int4: Format = "int4:g64".parse()?;
//! assert_eq!(int4.bytes(4096, 4096), 4096 * 4096 / 2 + 4096 * 4096 / 64 * 4);
//! # Ok::<(), weighbridge::Error>(())
//! ```

mod bf16;
mod errors;
mod f16;
mod f32;
mod int4;
mod int8;
mod q4_0;
mod q4_1;
mod q5_0;
mod q5_1;
mod q8_0;
pub mod scaled;
mod source;
mod twin;

pub use errors::Errors;
pub use source::{Element, NonFinite, Range};
pub use twin::{Encoded, decode, encode};

use crate::error::{Error, Result};

/// The card of a format.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Format {
    /// Its name without what is set by parameters: `int4` of `int4:g64`.
    pub family: &'static str,
    /// Bits of a code, without scales: what the formula "bytes = parameters x size" counts.
    pub nominal_bits: u32,
    /// How codes and scales are stored.
    pub storage: Storage,
    /// The codec's file under `shaders/`.
    pub wgsl: &'static str,
    /// The finite values that it holds.
    pub range: Range,
    /// Whether NaN and infinities have codes.
    pub holds_non_finite: bool,
    /// The bytes, drawn.
    pub picture: &'static str,
    /// Where the definition comes from.
    pub source: &'static str,
}

/// How a format stores its codes.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Storage {
    /// One plane of blocks that hold their own scales.
    Block(Block),
    /// A plane of codes and a plane of F32 scales.
    Scaled(Scaled),
}

/// A block format.
#[derive(Clone, Copy, Debug)]
pub struct Block {
    /// Values in a block.
    pub len: u32,
    /// Bytes of a block.
    pub bytes: u32,
    /// Of which scales.
    pub scale_bytes: u32,
    /// Values that the kernel takes at once: `len`, or more where a block is a single value.
    pub run_len: u32,
    /// The twin: finite (or held) values of one block into its bytes.
    pub encode: fn(&[f32], &mut [u8]),
    /// The bytes of one block into its values.
    pub decode: fn(&[u8], &mut [f32]),
}

impl PartialEq for Block {
    fn eq(&self, other: &Self) -> bool {
        (self.len, self.bytes, self.scale_bytes) == (other.len, other.bytes, other.scale_bytes)
    }
}

/// A format whose scales lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaled {
    /// Bits of a code: 4 or 8.
    pub bits: u32,
    /// What shares a scale.
    pub unit: Unit,
    /// What shares a scale where the name does not say.
    pub default_unit: Unit,
    /// The group lengths that the name may ask for.
    pub groups: &'static [u32],
}

/// What shares a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A row: the last dimension.
    Row,
    /// So many neighbours in a row.
    Group(u32),
}

/// Every format, one line each, with its default parameters.
pub const FORMATS: &[Format] =
    &[f32::F32, f16::F16, bf16::BF16, int8::INT8, int4::INT4, q8_0::Q8_0, q5_1::Q5_1, q5_0::Q5_0, q4_1::Q4_1, q4_0::Q4_0];

/// F32 itself.
pub const F32: Format = f32::F32;

impl Format {
    /// Values that must stand together: a row is a multiple of this, or needs padding.
    #[must_use]
    pub fn group_len(&self) -> u64 {
        match self.storage {
            Storage::Block(block) => block.len.into(),
            Storage::Scaled(Scaled { unit: Unit::Group(len), .. }) => len.into(),
            Storage::Scaled(_) => 1,
        }
    }

    /// The planes of a tensor of `rows` x `row_len` values: their names and bytes. `row_len` is a multiple of
    /// [`Format::group_len`].
    #[must_use]
    pub fn planes(&self, rows: u64, row_len: u64) -> Vec<(&'static str, u64)> {
        let elements = rows * row_len;
        match self.storage {
            Storage::Block(block) => vec![("blocks", elements / u64::from(block.len) * u64::from(block.bytes))],
            Storage::Scaled(scaled) => vec![
                ("codes", (elements * u64::from(scaled.bits)).div_ceil(8)),
                ("scales", 4 * elements.checked_div(scaled.unit_len(row_len)).unwrap_or(0)),
            ],
        }
    }

    /// Bytes of a tensor, scales included.
    #[must_use]
    pub fn bytes(&self, rows: u64, row_len: u64) -> u64 {
        self.planes(rows, row_len).iter().map(|(_, bytes)| bytes).sum()
    }

    /// Bytes of a tensor's scales.
    #[must_use]
    pub fn scale_bytes(&self, rows: u64, row_len: u64) -> u64 {
        match self.storage {
            Storage::Block(block) => rows * row_len / u64::from(block.len) * u64::from(block.scale_bytes),
            Storage::Scaled(_) => self.planes(rows, row_len)[1].1,
        }
    }

    /// What the formula "parameters x size of a code" says of so many values, in bytes.
    #[must_use]
    pub fn nominal_bytes(&self, elements: u64) -> u64 {
        (elements * u64::from(self.nominal_bits)).div_ceil(8)
    }
}

impl Scaled {
    /// Values that share a scale, in rows of `row_len`.
    #[must_use]
    pub fn unit_len(&self, row_len: u64) -> u64 {
        match self.unit {
            Unit::Row => row_len,
            Unit::Group(len) => len.into(),
        }
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.family)?;
        match self.storage {
            Storage::Scaled(Scaled { unit: Unit::Group(len), default_unit, .. }) if default_unit != Unit::Group(len) => {
                write!(f, ":g{len}")
            }
            _ => Ok(()),
        }
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownName { kind: "format", name: name.into(), known: known() };
        let mut words = name.split(':');
        let family = words.next().unwrap_or_default();
        let mut format = *FORMATS.iter().find(|f| f.family == family).ok_or_else(unknown)?;
        for word in words {
            let len = word.strip_prefix('g').and_then(|n| n.parse().ok());
            match (&mut format.storage, len) {
                (Storage::Scaled(scaled), Some(len)) if scaled.groups.contains(&len) => scaled.unit = Unit::Group(len),
                _ => return Err(unknown()),
            }
        }
        Ok(format)
    }
}

/// The names of all formats, for messages.
#[must_use]
pub fn known() -> String {
    let names = FORMATS.iter().flat_map(|format| {
        let groups = match format.storage {
            Storage::Scaled(scaled) => scaled.groups,
            Storage::Block(_) => &[],
        };
        let default = format.to_string();
        let named = groups.iter().map(|len| format!("{}:g{len}", format.family));
        let others = named.filter(|name| name.parse::<Format>().is_ok_and(|f| f.to_string() != default));
        std::iter::once(default.clone()).chain(others.collect::<Vec<_>>())
    });
    names.collect::<Vec<_>>().join(", ")
}

impl serde::Serialize for Format {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_cards_and_back() {
        for name in ["f32", "f16", "bf16", "int8", "int4", "int4:g32", "int4:g64", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1"] {
            assert_eq!(name.parse::<Format>().unwrap().to_string(), name);
        }
        assert_eq!("int4:g128".parse::<Format>().unwrap().to_string(), "int4");
        for wrong in ["", "int5", "int4:g33", "int8:g32:x", "q8_0:g32", "INT8"] {
            let error = wrong.parse::<Format>().unwrap_err().to_string();
            assert!(error.contains("int4:g64"), "{error}");
        }
    }

    #[test]
    fn bytes_are_those_of_the_definitions() {
        let bytes = |name: &str| name.parse::<Format>().unwrap().bytes(10, 384);
        assert_eq!(bytes("f32"), 10 * 384 * 4);
        assert_eq!(bytes("bf16"), 10 * 384 * 2);
        assert_eq!(bytes("int8"), 10 * 384 + 10 * 4);
        assert_eq!(bytes("int4"), 10 * 384 / 2 + 10 * 3 * 4);
        assert_eq!(bytes("int4:g32"), 10 * 384 / 2 + 10 * 12 * 4);
        assert_eq!(bytes("q8_0"), 10 * 12 * 34);
        assert_eq!(["q4_0", "q4_1", "q5_0", "q5_1"].map(bytes), [18, 20, 22, 24].map(|block| 10 * 12 * block));
    }
}
