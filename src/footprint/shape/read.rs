//! Where shapes come from: a config, a file of weights, a built-in name.

use std::path::Path;

use serde_json::{Map, Value};

use super::config::Config;
use super::{Shape, TensorShape, builtin, families, gguf};
use crate::error::{Error, Result};
use crate::footprint::class::Class;
use crate::io::Model;

/// The shape of a model that is named in any of the ways that people name one: a `.safetensors` or `.gguf` file, an index, a folder with a
/// `config.json` (with weights or without), a `config.json`, or a built-in name such as `llama-3-8b`.
///
/// # Errors
/// [`Error::UnknownName`] where it is neither a file nor a known name; as [`Model::open`] and [`from_config`].
pub fn open(model: &str) -> Result<Shape> {
    let path = Path::new(model);
    if path.is_dir() && path.join("config.json").is_file() {
        return config_file(&path.join("config.json"));
    }
    if path.is_file() && path.extension().is_some_and(|e| e == "json") && !model.ends_with(".index.json") {
        return config_file(path);
    }
    if path.exists() {
        return from_model(&Model::open(path)?);
    }
    match builtin::config(model) {
        Some((name, keys)) => {
            let mut shape = of(name, keys)?;
            shape.name = name.into();
            Ok(shape)
        }
        None if model.contains(['/', '\\', '.']) && !model.chars().any(char::is_whitespace) && path.extension().is_some() => {
            // Opening says why there is no such file.
            from_model(&Model::open(path)?)
        }
        None => Err(Error::UnknownName {
            kind: "model",
            name: model.into(),
            known: format!("a file, or {}", builtin::names().join(", ")),
        }),
    }
}

fn config_file(path: &Path) -> Result<Shape> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.into(), source })?;
    let mut shape = from_config(&path.display().to_string(), &text)?;
    shape.name = path.parent().and_then(Path::file_name).map_or(shape.name, |name| name.to_string_lossy().into_owned());
    Ok(shape)
}

/// The shape of a Hugging Face `config.json`. Absent keys take the defaults of transformers' config class; `what` goes into errors.
///
/// # Errors
/// [`Error::Malformed`] where it is no JSON, [`Error::Unsupported`] where a key is not what it should be, [`Error::UnknownName`] for a
/// `model_type` that is not known: it lists the known ones.
pub fn from_config(what: &str, text: &str) -> Result<Shape> {
    let malformed = |message: String| Error::Malformed { path: what.into(), offset: None, message };
    let value: Value = serde_json::from_str(text).map_err(|e| malformed(e.to_string()))?;
    let keys = value.as_object().ok_or_else(|| malformed("a config is a JSON object".into()))?;
    of(what, keys)
}

fn of(what: &str, keys: &Map<String, Value>) -> Result<Shape> {
    let model_type = keys.get("model_type").and_then(Value::as_str).ok_or_else(|| Error::Unsupported {
        what: what.into(),
        need: format!("a \"model_type\", one of {}", families::KNOWN.join(", ")),
        have: keys.get("model_type").map_or("none".into(), Value::to_string),
    })?;
    families::shape(&Config { what, keys }, model_type)
}

/// The tokens and the width of a file's largest embedding.
pub(super) fn embedding(tensors: &[TensorShape]) -> [u64; 2] {
    let embeddings = tensors.iter().filter(|t| t.class == Class::Embedding && t.shape.len() == 2);
    embeddings.max_by_key(|t| t.shape[0]).map_or([0, 0], |t| [t.shape[0], t.shape[1]])
}

/// The shape of a file of weights: its own tensors. Layers are told by a GGUF's metadata; of a safetensors file only what the names of
/// its tensors tell is known.
///
/// # Errors
/// [`Error::Unsupported`] where a GGUF's metadata is not what it should be.
pub fn from_model(model: &Model) -> Result<Shape> {
    let tensors: Vec<TensorShape> = model
        .tensors
        .iter()
        .filter(|t| t.is_float)
        .map(|t| TensorShape {
            name: t.name.clone(),
            class: Class::of(&t.name, t.shape.len()),
            shape: t.shape.clone(),
            layer: layer_of(&t.name),
            experts: None,
        })
        .collect();
    let name = model.path.file_stem().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    if model.value("general.architecture").is_some() {
        return gguf::shape(model, name, tensors);
    }
    let [vocab, hidden] = embedding(&tensors);
    let model_type = "safetensors".into();
    Ok(Shape { name, model_type, tensors, layers: vec![], hidden, vocab, positions: None, further: 0 })
}

/// The layer in a tensor's name: the first part that is a number.
fn layer_of(name: &str) -> Option<u64> {
    name.split('.').find_map(|part| part.parse().ok())
}
