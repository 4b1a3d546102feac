//! GGUF, versions 2 and 3, little-endian: metadata, a list of tensors, then their bytes. Source: ggml, `docs/gguf.md`.

mod split;
mod types;

use std::collections::HashSet;
use std::path::Path;

use super::metadata::Value;
use super::reader::Reader;
use super::{Entry, Parsed, Stored, placed};
use crate::error::{Error, Result};
use crate::format::{Element, Format};

pub(super) use split::open;

const MAGIC: &[u8; 4] = b"GGUF";
const MOST_DIMENSIONS: u32 = 4;
const DEFAULT_ALIGNMENT: u64 = 32;

/// Whether bytes begin as GGUF files do.
pub(super) fn is_gguf(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Reads what file number `file` of a model, `bytes` of it, says of itself and its tensors.
pub(super) fn parse(path: &Path, file: usize, bytes: &[u8]) -> Result<Parsed> {
    let mut reader = Reader::new(path, bytes, 0);
    if reader.take(4, "the magic")? != MAGIC {
        return Err(reader.malformed(0, "no GGUF file: it does not begin with GGUF"));
    }
    match reader.u32("the version")? {
        2 | 3 => {}
        version if matches!(version.swap_bytes(), 1..=3) => {
            return Err(Error::Unsupported {
                what: path.display().to_string(),
                need: "a little-endian GGUF file".into(),
                have: "a big-endian one".into(),
            });
        }
        version => {
            let need = "GGUF of version 2 or 3".into();
            return Err(Error::Unsupported { what: path.display().to_string(), need, have: format!("version {version}") });
        }
    }
    let tensor_count = reader.u64("the number of tensors")?;
    let metadata_count = reader.u64("the number of metadata values")?;
    // Counts are not believed: what they promise is read one by one, and memory follows what was read.
    let mut metadata = Vec::new();
    let mut keys = HashSet::new();
    for _ in 0..metadata_count {
        let start = reader.at();
        let key = reader.text("a key of the metadata")?;
        if !keys.insert(key) {
            return Err(reader.malformed(start, format!("the key {key:?} a second time")));
        }
        metadata.push((key.to_owned(), Value::read(&mut reader, file)?));
    }
    let mut parsed = Parsed { metadata, tensors: vec![] };
    let alignment = match parsed.metadata.iter().find(|(key, _)| key == "general.alignment") {
        None => DEFAULT_ALIGNMENT,
        Some((_, value)) => match value.as_u64() {
            Some(alignment) if alignment.is_power_of_two() && alignment <= 1 << 30 => alignment,
            _ => return Err(reader.malformed(reader.at(), format!("general.alignment is {value}, which is no power of two"))),
        },
    };
    let mut infos = Vec::new();
    for _ in 0..tensor_count {
        infos.push(TensorInfo::read(&mut reader)?);
    }
    let data = (reader.at() as u64).next_multiple_of(alignment);
    for info in infos {
        parsed.tensors.push(info.entry(&reader, file, data, alignment, bytes.len() as u64)?);
    }
    placed(path, &parsed.tensors)?;
    Ok(parsed)
}

/// What the list says of a tensor.
struct TensorInfo {
    at: usize,
    name: String,
    /// Row-major: the last dimension is contiguous.
    shape: Vec<u64>,
    kind: u32,
    offset: u64,
}

impl TensorInfo {
    fn read(reader: &mut Reader<'_>) -> Result<Self> {
        let at = reader.at();
        let name = reader.text("the name of a tensor")?.to_owned();
        let dimensions = reader.u32("the number of dimensions")?;
        if dimensions > MOST_DIMENSIONS {
            return Err(
                reader.malformed(at, format!("{name:?} has {dimensions} dimensions, and {MOST_DIMENSIONS} is the most"))
            );
        }
        let mut shape = (0..dimensions).map(|_| reader.u64("a dimension")).collect::<Result<Vec<u64>>>()?;
        // ggml counts dimensions from the contiguous one on.
        shape.reverse();
        let kind = reader.u32("the type of a tensor")?;
        let offset = reader.u64("the offset of a tensor")?;
        Ok(Self { at, name, shape, kind, offset })
    }

    fn entry(self, reader: &Reader<'_>, file: usize, data: u64, alignment: u64, file_bytes: u64) -> Result<Entry> {
        let malformed = |message: String| reader.malformed(self.at, format!("tensor {:?}: {message}", self.name));
        let Some(ggml) = types::of(self.kind) else {
            return Err(malformed(format!("the unknown type {}", self.kind)));
        };
        let elements = self.shape.iter().try_fold(1_u64, |product, dimension| product.checked_mul(*dimension));
        let Some(elements) = elements else {
            return Err(malformed(format!("the shape {:?} has more values than 64 bits count", self.shape)));
        };
        let row_len = self.shape.last().copied().unwrap_or(1);
        if !row_len.is_multiple_of(ggml.block_len) {
            let message = format!("rows of {row_len} values, which are no whole blocks of {} ({})", ggml.name, ggml.block_len);
            return Err(malformed(message));
        }
        if !self.offset.is_multiple_of(alignment) {
            return Err(malformed(format!("offset {} is no multiple of the alignment {alignment}", self.offset)));
        }
        let range = (elements / ggml.block_len)
            .checked_mul(ggml.block_bytes)
            .and_then(|bytes| Some((data.checked_add(self.offset)?, bytes)))
            .and_then(|(start, bytes)| Some(start..start.checked_add(bytes)?))
            .filter(|range| range.end <= file_bytes);
        let Some(range) = range else {
            return Err(malformed(format!(
                "{elements} values of {} from byte {} of the data on, beyond the end of the file",
                ggml.name, self.offset
            )));
        };
        Ok(Entry {
            dtype: ggml.name.into(),
            stored: stored(ggml.name),
            is_float: ggml.is_float,
            name: self.name,
            shape: self.shape,
            file,
            range: range.start as usize..range.end as usize,
        })
    }
}

fn stored(name: &str) -> Stored {
    match name {
        "F32" => Stored::Plain(Element::F32),
        "F16" => Stored::Plain(Element::F16),
        "BF16" => Stored::Plain(Element::Bf16),
        _ => name.to_lowercase().parse::<Format>().map_or(Stored::Opaque, Stored::Coded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::Storage;

    #[test]
    fn blocks_are_those_of_the_cards() {
        for ggml in types::TYPES {
            if let Stored::Coded(Format { storage: Storage::Block(block), .. }) = stored(ggml.name) {
                assert_eq!((u64::from(block.len), u64::from(block.bytes)), (ggml.block_len, ggml.block_bytes), "{}", ggml.name);
            }
        }
        let coded: Vec<_> =
            types::TYPES.iter().filter(|t| matches!(stored(t.name), Stored::Coded(_))).map(|t| t.name).collect();
        assert_eq!(coded, ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0"]);
    }
}
