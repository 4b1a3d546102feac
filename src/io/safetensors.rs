//! safetensors, by the crate of its makers: a header of JSON, then the tensors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::metadata::Value;
use super::{Backing, Entry, Model, Parsed, Stored, map, placed, placed_names};
use crate::error::{Error, Result};
use crate::format::Element;

pub(super) fn open(path: &Path) -> Result<Model> {
    let mut model = Model { path: path.into(), metadata: vec![], tensors: vec![], files: vec![] };
    add(&mut model, path)?;
    model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(model)
}

/// The index names the file of each tensor; the files lie beside it.
pub(super) fn open_sharded(path: &Path) -> Result<Model> {
    #[derive(serde::Deserialize)]
    struct Index {
        weight_map: BTreeMap<String, String>,
    }
    let malformed = |message: String| Error::Malformed { path: path.into(), offset: None, message };
    let text = std::fs::read(path).map_err(|source| Error::File { path: path.into(), source })?;
    let index: Index = serde_json::from_slice(&text).map_err(|e| malformed(e.to_string()))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut model = Model { path: path.into(), metadata: vec![], tensors: vec![], files: vec![] };
    for file in index.weight_map.values().collect::<BTreeSet<_>>() {
        // A file name that leads elsewhere is no shard of this model.
        if Path::new(file).components().count() != 1 || file == ".." {
            return Err(malformed(format!("the shard {file:?} does not lie beside the index")));
        }
        let before = model.tensors.len();
        add(&mut model, &folder.join(file))?;
        if let Some(stray) = model.tensors[before..].iter().find(|t| index.weight_map.get(&t.name) != Some(file)) {
            return Err(malformed(format!("the index does not place {:?} in {file}", stray.name)));
        }
    }
    let present: BTreeSet<&str> = model.tensors.iter().map(|t| t.name.as_str()).collect();
    if let Some((name, file)) = index.weight_map.iter().find(|(name, _)| !present.contains(name.as_str())) {
        return Err(malformed(format!("{file} lacks the tensor {name:?}")));
    }
    placed_names(path, &model.tensors)?;
    model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(model)
}

fn add(model: &mut Model, path: &Path) -> Result<()> {
    let map = map(path)?;
    let Parsed { metadata, tensors } = parse(path, model.files.len(), &map)?;
    for (key, value) in metadata {
        if model.value(&key).is_none() {
            model.metadata.push((key, value));
        }
    }
    model.tensors.extend(tensors);
    model.files.push(Backing::Mapped(map));
    Ok(())
}

pub(super) fn parse(path: &Path, file: usize, bytes: &[u8]) -> Result<Parsed> {
    let malformed = |offset: Option<u64>, message: String| Error::Malformed { path: path.into(), offset, message };
    let (header, described) = SafeTensors::read_metadata(bytes).map_err(|e| malformed(None, e.to_string()))?;
    // The crate keeps the last of several equal keys; a file that has them is not what it seems.
    serde_json::from_slice::<UniqueKeys>(&bytes[8..8 + header])
        .map_err(|e| malformed(Some(8 + e.column().saturating_sub(1) as u64), e.to_string()))?;
    let parsed = SafeTensors::deserialize(bytes).map_err(|e| malformed(None, e.to_string()))?;
    let start = bytes.as_ptr() as usize;
    let entries = parsed.tensors().into_iter().map(|(name, view)| {
        // A tensor without bytes may point anywhere.
        let first = (view.data().as_ptr() as usize).saturating_sub(start).min(bytes.len());
        let (stored, is_float) = kind(view.dtype());
        Entry {
            name,
            dtype: format!("{:?}", view.dtype()),
            stored,
            is_float,
            shape: view.shape().iter().map(|d| *d as u64).collect(),
            file,
            range: first..first + view.data().len(),
        }
    });
    let entries: Vec<Entry> = entries.collect();
    placed(path, &entries)?;
    let texts = described.metadata().clone().unwrap_or_default();
    let mut metadata: Vec<(String, Value)> = texts.into_iter().map(|(key, text)| (key, Value::Text(text))).collect();
    metadata.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(Parsed { metadata, tensors: entries })
}

/// What a type is here, and whether it is floating point.
fn kind(dtype: Dtype) -> (Stored, bool) {
    match dtype {
        Dtype::F32 => (Stored::Plain(Element::F32), true),
        Dtype::F16 => (Stored::Plain(Element::F16), true),
        Dtype::BF16 => (Stored::Plain(Element::Bf16), true),
        Dtype::BOOL | Dtype::U8 | Dtype::I8 | Dtype::U16 | Dtype::I16 | Dtype::U32 | Dtype::I32 | Dtype::U64 | Dtype::I64 => {
            (Stored::Opaque, false)
        }
        _ => (Stored::Opaque, true),
    }
}

/// A JSON object whose keys, and those of the objects in it, come once each.
struct UniqueKeys;

impl<'de> serde::Deserialize<'de> for UniqueKeys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueKeysVisitor)
    }
}

struct UniqueKeysVisitor;

impl<'de> serde::de::Visitor<'de> for UniqueKeysVisitor {
    type Value = UniqueKeys;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the header of a safetensors file")
    }

    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> std::result::Result<UniqueKeys, A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(serde::de::Error::custom(format!("the key {key:?} a second time")));
            }
            map.next_value::<UniqueKeys>()?;
        }
        Ok(UniqueKeys)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> std::result::Result<UniqueKeys, A::Error> {
        while seq.next_element::<UniqueKeys>()?.is_some() {}
        Ok(UniqueKeys)
    }

    fn visit_str<E>(self, _: &str) -> std::result::Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }

    fn visit_unit<E>(self) -> std::result::Result<UniqueKeys, E> {
        Ok(UniqueKeys)
    }
}
