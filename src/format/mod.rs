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
    /// What the name may ask to share a scale; the first where it does not say.
    pub units: &'static [Unit],
    /// Whether each unit has a zero point too.
    pub asymmetric: bool,
    /// Whether the name may ask for that.
    pub may_be_asymmetric: bool,
    /// Whether scales are stored as F16 instead of F32. Codes are then chosen with the rounded scale.
    pub half_scales: bool,
}

/// What shares a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A row: the last dimension.
    Row,
    /// So many neighbours in a row.
    Group(u32),
    /// The whole tensor.
    Tensor,
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Row => f.write_str("row"),
            Self::Group(len) => write!(f, "g{len}"),
            Self::Tensor => f.write_str("tensor"),
        }
    }
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
            Storage::Scaled(scaled) => {
                let units = elements.checked_div(scaled.unit_len(rows, row_len)).unwrap_or(0);
                let mut planes =
                    vec![("codes", (elements * u64::from(scaled.bits)).div_ceil(8)), ("scales", scaled.scale_bytes() * units)];
                if scaled.asymmetric {
                    let in_a_row = units.checked_div(rows).unwrap_or(0);
                    planes.push(("zero_points", 4 * rows.div_ceil(ZERO_POINT_ROWS) * in_a_row));
                }
                planes
            }
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

    /// Bytes of a tensor's zero points.
    #[must_use]
    pub fn zero_point_bytes(&self, rows: u64, row_len: u64) -> u64 {
        self.planes(rows, row_len).get(2).map_or(0, |(_, bytes)| *bytes)
    }

    /// What the formula "parameters x size of a code" says of so many values, in bytes.
    #[must_use]
    pub fn nominal_bytes(&self, elements: u64) -> u64 {
        (elements * u64::from(self.nominal_bits)).div_ceil(8)
    }
}

/// Rows whose zero points of one group share a word of 32 bits.
pub(crate) const ZERO_POINT_ROWS: u64 = 8;

impl Scaled {
    /// Values that share a scale, in a tensor of `rows` x `row_len`.
    #[must_use]
    pub fn unit_len(&self, rows: u64, row_len: u64) -> u64 {
        match self.unit {
            Unit::Row => row_len,
            Unit::Group(len) => len.into(),
            Unit::Tensor => rows * row_len,
        }
    }

    /// Bytes of a scale.
    #[must_use]
    pub fn scale_bytes(&self) -> u64 {
        if self.half_scales { 2 } else { 4 }
    }

    /// The file under `shaders/` that reads the scales, and its slot.
    pub(crate) fn scales_slot(&self) -> (&'static str, &'static str) {
        ("scales", if self.half_scales { "scales/f16" } else { "scales/f32" })
    }

    /// The file under `shaders/` that reads the zero points, and its slot.
    pub(crate) fn zero_slot(&self) -> (&'static str, &'static str) {
        ("zero", if self.asymmetric { "zero/packed" } else { "zero/none" })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.family)?;
        let Storage::Scaled(scaled) = self.storage else { return Ok(()) };
        if scaled.unit != scaled.units[0] {
            write!(f, ":{}", scaled.unit)?;
        }
        f.write_str(if scaled.asymmetric { ":asym" } else { "" })?;
        f.write_str(if scaled.half_scales { ":f16" } else { "" })
    }
}

impl std::str::FromStr for Format {
    type Err = Error;

    /// `family[:unit][:asym][:f16]`, in this order.
    fn from_str(name: &str) -> Result<Self> {
        let unknown = || Error::UnknownName { kind: "format", name: name.into(), known: known() };
        let (family, mut words) = name.split_once(':').map_or((name, None), |(family, words)| (family, Some(words)));
        let mut format = *FORMATS.iter().find(|f| f.family == family).ok_or_else(unknown)?;
        let mut next = |word: &str| match words {
            Some(rest) if rest == word => {
                words = None;
                true
            }
            Some(rest) => match rest.strip_prefix(word).and_then(|rest| rest.strip_prefix(':')) {
                Some(rest) => {
                    words = Some(rest);
                    true
                }
                None => false,
            },
            None => false,
        };
        if let Storage::Scaled(scaled) = &mut format.storage {
            if let Some(unit) = scaled.units.iter().find(|unit| next(&unit.to_string())) {
                scaled.unit = *unit;
            }
            scaled.asymmetric = scaled.may_be_asymmetric && next("asym");
            scaled.half_scales = next("f16");
        }
        if words.is_some() { Err(unknown()) } else { Ok(format) }
    }
}

/// Every format with every parameter.
#[must_use]
pub fn all() -> Vec<Format> {
    let mut all = Vec::new();
    for format in FORMATS {
        let Storage::Scaled(scaled) = format.storage else {
            all.push(*format);
            continue;
        };
        for half_scales in [false, true] {
            for asymmetric in if scaled.may_be_asymmetric { &[false, true][..] } else { &[false] } {
                let with = |unit: &Unit| Scaled { unit: *unit, asymmetric: *asymmetric, half_scales, ..scaled };
                all.extend(scaled.units.iter().map(|unit| Format { storage: Storage::Scaled(with(unit)), ..*format }));
            }
        }
    }
    all
}

/// The names of all formats, for messages.
#[must_use]
pub fn known() -> String {
    let plain = |format: &Format| !matches!(format.storage, Storage::Scaled(Scaled { half_scales: true, .. }));
    let names: Vec<String> = all().iter().filter(|format| plain(format)).map(Format::to_string).collect();
    format!("{} (int8 and int4 also with :f16, for F16 scales)", names.join(", "))
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
        for name in [
            "f32",
            "f16",
            "bf16",
            "int8",
            "int4",
            "int4:g32",
            "int4:g64",
            "q8_0",
            "q4_0",
            "q4_1",
            "q5_0",
            "q5_1",
            "int8:tensor",
            "int8:g64",
            "int4:asym",
            "int4:g32:asym",
            "int4:f16",
            "int8:tensor:f16",
            "int4:g64:asym:f16",
        ] {
            assert_eq!(name.parse::<Format>().unwrap().to_string(), name);
        }
        assert_eq!("int4:g128".parse::<Format>().unwrap().to_string(), "int4");
        assert_eq!("int4:g128:asym".parse::<Format>().unwrap().to_string(), "int4:asym");
        assert_eq!("int8:row".parse::<Format>().unwrap().to_string(), "int8");
        assert!(all().iter().all(|format| format.to_string().parse::<Format>().unwrap() == *format));
        for wrong in [
            "",
            "int5",
            "int4:g33",
            "int8:g32:x",
            "q8_0:g32",
            "INT8",
            "int8:asym",
            "int4:",
            "int4:f16:asym",
            "int4:f16:",
            "f16:f16",
        ] {
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
        assert_eq!(bytes("int4:asym"), 10 * 384 / 2 + 10 * 3 * 4 + 2 * 3 * 4);
        assert_eq!(bytes("int4:f16"), 10 * 384 / 2 + 10 * 3 * 2);
        assert_eq!(bytes("int8:tensor"), 10 * 384 + 4);
        assert_eq!(bytes("q8_0"), 10 * 12 * 34);
        assert_eq!(["q4_0", "q4_1", "q5_0", "q5_1"].map(bytes), [18, 20, 22, 24].map(|block| 10 * 12 * block));
    }
}
