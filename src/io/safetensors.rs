//! safetensors, by the crate of its makers: a header of JSON, then the tensors.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use safetensors::{Dtype, SafeTensors};

use super::{Backing, Entry, Model, map};
use crate::error::{Error, Result};
use crate::format::Element;

pub(super) fn open(path: &Path) -> Result<Model> {
    let mut model = Model { path: path.into(), tensors: vec![], files: vec![] };
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
    let mut model = Model { path: path.into(), tensors: vec![], files: vec![] };
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
    model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(model)
}

fn add(model: &mut Model, path: &Path) -> Result<()> {
    let map = map(path)?;
    let entries = entries(path, model.files.len(), &map)?;
    model.tensors.extend(entries);
    model.files.push(Backing::Mapped(map));
    Ok(())
}

pub(super) fn entries(path: &Path, file: usize, bytes: &[u8]) -> Result<Vec<Entry>> {
    let malformed = |message: String| Error::Malformed { path: path.into(), offset: None, message };
    let parsed = SafeTensors::deserialize(bytes).map_err(|e| malformed(e.to_string()))?;
    let start = bytes.as_ptr() as usize;
    let entries = parsed.tensors().into_iter().map(|(name, view)| {
        let first = view.data().as_ptr() as usize - start;
        let (element, is_float) = match view.dtype() {
            Dtype::F32 => (Some(Element::F32), true),
            Dtype::F16 => (Some(Element::F16), true),
            Dtype::BF16 => (Some(Element::Bf16), true),
            Dtype::F64 | Dtype::F8_E4M3 | Dtype::F8_E5M2 => (None, true),
            _ => (None, false),
        };
        Entry {
            name,
            dtype: format!("{:?}", view.dtype()),
            element,
            is_float,
            shape: view.shape().iter().map(|d| *d as u64).collect(),
            file,
            range: first..first + view.data().len(),
        }
    });
    Ok(entries.collect())
}
