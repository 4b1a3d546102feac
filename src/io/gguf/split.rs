//! Models in several GGUF files: `name-00001-of-00003.gguf` and its siblings.

use std::path::{Path, PathBuf};

use super::super::{Backing, Model, Parsed, map, placed_names};
use super::parse;
use crate::error::{Error, Result};

/// Opens a GGUF file, and its siblings where it is a part of several.
pub(in super::super) fn open(path: &Path) -> Result<Model> {
    let malformed = |path: &Path, message: String| Error::Malformed { path: path.into(), offset: None, message };
    let place = Place::of(path);
    let here = place.as_ref().map_or(0, |place| place.index);
    let mapped = map(path)?;
    let opened = parse(path, here, &mapped)?;
    let count = opened.number("split.count").unwrap_or(1);
    let expected = opened.number("split.tensors.count");
    let mut model = Model { path: path.into(), metadata: vec![], tensors: vec![], files: vec![] };
    if count <= 1 {
        // Named like a part, it may still be whole: then it is the only file.
        let Parsed { metadata, tensors } = if here == 0 { opened } else { parse(path, 0, &mapped)? };
        (model.metadata, model.tensors) = (metadata, tensors);
        model.files.push(Backing::Mapped(mapped));
        model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        return Ok(model);
    }
    let Some(place) = place.filter(|place| place.total == count) else {
        let message = format!("a part of {count}, and its name does not end in -00001-of-{count:05}.gguf or the like");
        return Err(malformed(path, message));
    };
    let mut opened = Some((opened, mapped));
    for index in 0..count as usize {
        let part = place.sibling(path, index);
        let (parsed, mapped) = match opened.take_if(|_| index == here) {
            Some(opened) => opened,
            None => {
                let mapped = map(&part)?;
                (parse(&part, index, &mapped)?, mapped)
            }
        };
        if (parsed.number("split.no"), parsed.number("split.count")) != (Some(index as u64), Some(count)) {
            return Err(malformed(&part, format!("not part {} of {count}, as its name says", index + 1)));
        }
        if index == 0 {
            model.metadata = parsed.metadata;
        }
        model.tensors.extend(parsed.tensors);
        model.files.push(Backing::Mapped(mapped));
    }
    placed_names(path, &model.tensors)?;
    if let Some(expected) = expected.filter(|n| *n != model.tensors.len() as u64) {
        return Err(malformed(path, format!("{expected} tensors promised, {} found in its parts", model.tensors.len())));
    }
    model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(model)
}

/// Where a file stands among its siblings, by its name: `prefix-00002-of-00003.gguf`.
struct Place {
    prefix: String,
    index: usize,
    total: u64,
}

impl Place {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
        let (rest, total) = name.rsplit_once("-of-")?;
        let (prefix, number) = rest.rsplit_once('-')?;
        // Five digits, so that the number of parts is bounded.
        let digits = |text: &str| text.len() == 5 && text.bytes().all(|b| b.is_ascii_digit());
        if !digits(total) || !digits(number) {
            return None;
        }
        let (number, total) = (number.parse::<usize>().ok()?, total.parse().ok()?);
        Some(Self { prefix: prefix.into(), index: number.checked_sub(1)?, total })
    }

    fn sibling(&self, path: &Path, index: usize) -> PathBuf {
        path.with_file_name(format!("{}-{:05}-of-{:05}.gguf", self.prefix, index + 1, self.total))
    }
}
