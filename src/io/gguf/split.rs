//! Models in several GGUF files: `name-00001-of-00003.gguf` and its siblings.

use std::path::{Path, PathBuf};

use super::super::{Backing, Model, map, placed_names};
use super::parse;
use crate::error::{Error, Result};

/// Opens a GGUF file, and its siblings where it is a part of several.
pub(in super::super) fn open(path: &Path) -> Result<Model> {
    let mapped = map(path)?;
    let first = parse(path, 0, &mapped)?;
    let malformed = |path: &Path, message: String| Error::Malformed { path: path.into(), offset: None, message };
    let count = first.number("split.count").unwrap_or(1);
    let mut model = Model { path: path.into(), metadata: first.metadata.clone(), tensors: vec![], files: vec![] };
    if count <= 1 {
        model.tensors = first.tensors;
        model.files.push(Backing::Mapped(mapped));
    } else {
        let Some(parts) = siblings(path, count) else {
            let message = format!("a part of {count}, and its name does not end in -00001-of-{count:05}.gguf or the like");
            return Err(malformed(path, message));
        };
        let expected = first.number("split.tensors.count");
        for (i, part) in parts.iter().enumerate() {
            let mapped = map(part)?;
            let parsed = parse(part, i, &mapped)?;
            if (parsed.number("split.no"), parsed.number("split.count")) != (Some(i as u64), Some(count)) {
                return Err(malformed(part, format!("not part {} of {count}, as its name says", i + 1)));
            }
            if i == 0 {
                model.metadata = parsed.metadata;
            }
            model.tensors.extend(parsed.tensors);
            model.files.push(Backing::Mapped(mapped));
        }
        placed_names(path, &model.tensors)?;
        if let Some(expected) = expected.filter(|n| *n != model.tensors.len() as u64) {
            return Err(malformed(path, format!("{expected} tensors promised, {} found in its parts", model.tensors.len())));
        }
    }
    model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(model)
}

/// The names of all parts, from that of one. The number of parts is bounded by its five digits.
fn siblings(path: &Path, count: u64) -> Option<Vec<PathBuf>> {
    let name = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
    let (rest, total) = name.rsplit_once("-of-")?;
    let (prefix, number) = rest.rsplit_once('-')?;
    let digits = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(total) || !digits(number) || total.parse() != Ok(count) {
        return None;
    }
    Some((1..=count).map(|i| path.with_file_name(format!("{prefix}-{i:05}-of-{total}.gguf"))).collect())
}
