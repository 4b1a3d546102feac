//! What a file says of itself: keys and values.

use std::ops::Range;

use super::reader::Reader;
use crate::error::Result;

/// A value of GGUF metadata. safetensors files have texts only.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// u8, u16, u32, u64.
    Unsigned(u64),
    /// i8, i16, i32, i64.
    Signed(i64),
    /// f32, f64.
    Float(f64),
    /// A byte 0 or 1.
    Bool(bool),
    /// UTF-8.
    Text(String),
    /// Values of one type, which stay in the file until they are asked for ([`super::Model::elements`]).
    Array(Array),
}

/// An array of metadata, lying in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Array {
    /// How many values it has.
    pub len: u64,
    kind: u32,
    pub(super) file: usize,
    pub(super) range: Range<usize>,
}

/// Arrays of arrays of ... deeper than this are refused.
const DEPTH: u32 = 4;

const ARRAY: u32 = 9;

impl Value {
    /// As a whole number, if it is one and not negative.
    #[must_use]
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Unsigned(value) => Some(*value),
            Self::Signed(value) => u64::try_from(*value).ok(),
            _ => None,
        }
    }

    /// As a text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// A type, then a value of it.
    pub(super) fn read(reader: &mut Reader<'_>, file: usize) -> Result<Self> {
        let kind = reader.u32("the type of a value")?;
        Self::of(kind, reader, file, DEPTH)
    }

    fn of(kind: u32, reader: &mut Reader<'_>, file: usize, depth: u32) -> Result<Self> {
        let (start, what) = (reader.at(), "a value");
        Ok(match kind {
            0 => Self::Unsigned(reader.u8(what)?.into()),
            1 => Self::Signed(i64::from(reader.u8(what)? as i8)),
            2 => Self::Unsigned(reader.u16(what)?.into()),
            3 => Self::Signed(i64::from(reader.u16(what)? as i16)),
            4 => Self::Unsigned(reader.u32(what)?.into()),
            5 => Self::Signed(i64::from(reader.u32(what)? as i32)),
            6 => Self::Float(f32::from_bits(reader.u32(what)?).into()),
            7 => match reader.u8(what)? {
                value @ 0..=1 => Self::Bool(value == 1),
                other => return Err(reader.malformed(start, format!("a bool of {other}"))),
            },
            8 => Self::Text(reader.text("a text")?.into()),
            ARRAY => {
                let kind = reader.u32("the type of an array")?;
                let len = reader.u64("the length of an array")?;
                let first = reader.at();
                skip(kind, len, reader, depth)?;
                Self::Array(Array { len, kind, file, range: first..reader.at() })
            }
            10 => Self::Unsigned(reader.u64(what)?),
            11 => Self::Signed(reader.u64(what)? as i64),
            12 => Self::Float(f64::from_bits(reader.u64(what)?)),
            other => return Err(reader.malformed(start, format!("values of the unknown type {other}"))),
        })
    }
}

/// Passes over `len` values of a type without keeping them.
fn skip(kind: u32, len: u64, reader: &mut Reader<'_>, depth: u32) -> Result<()> {
    let bytes = match kind {
        0 | 1 | 7 => 1,
        2 | 3 => 2,
        4..=6 => 4,
        10..=12 => 8,
        8 => {
            // As many as the file holds: each takes 8 bytes at least.
            for _ in 0..len {
                reader.text("a text of an array")?;
            }
            return Ok(());
        }
        ARRAY if depth == 0 => return Err(reader.malformed(reader.at(), "arrays within arrays, too deep")),
        ARRAY => {
            for _ in 0..len {
                let (kind, len) = (reader.u32("the type of an array")?, reader.u64("the length of an array")?);
                skip(kind, len, reader, depth - 1)?;
            }
            return Ok(());
        }
        other => return Err(reader.malformed(reader.at(), format!("an array of the unknown type {other}"))),
    };
    let Some(total) = len.checked_mul(bytes) else {
        return Err(reader.malformed(reader.at(), format!("an array of {len} values")));
    };
    reader.take(total, "an array").map(drop)
}

impl Array {
    /// Its values, read one by one. They were checked when the file was opened.
    pub(super) fn values<'a>(&self, mut reader: Reader<'a>) -> impl Iterator<Item = Value> + use<'a> {
        let (kind, file) = (self.kind, self.file);
        (0..self.len).map_while(move |_| Value::of(kind, &mut reader, file, DEPTH).ok())
    }
}

impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Signed(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Array(array) => write!(f, "{} values", array.len),
        }
    }
}
