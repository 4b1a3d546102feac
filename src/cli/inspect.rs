//! `weighbridge inspect`: what a file holds, without a device.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use super::table::table;
use super::{Common, print, print_json, shapes};
use crate::error::Result;
use crate::footprint::Class;
use crate::footprint::class::CLASSES;
use crate::footprint::shape;
use crate::io::{Entry, Model, Value};
use crate::units::{binary, decimal, grouped};

#[derive(clap::Args, Debug)]
pub(super) struct InspectArgs {
    /// A `.safetensors` or `.gguf` file (any part of a split one), a `.safetensors.index.json`, a folder with one of them or with a
    /// `config.json` alone, or a built-in name such as llama-3-8b (shapes only).
    model: String,
    /// Show the metadata too.
    #[arg(long)]
    metadata: bool,
}

/// Values of an array that are shown.
const SHOWN: usize = 4;
/// Characters of a value that are shown.
const WIDTH: usize = 80;

pub(super) fn run(common: &Common, args: &InspectArgs) -> Result<ExitCode> {
    let path = Path::new(&args.model);
    if !path.exists() || has_config_alone(path) {
        let shape = shape::open(&args.model)?;
        match common.json {
            true => print_json(&shapes::document(&shape))?,
            false => print(&shapes::text(&shape)),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let model = Model::open(path)?;
    if common.json {
        print_json(&document(&model, args.metadata))?;
    } else {
        print(&text(&model, args.metadata));
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a path is a `config.json`, or a folder with one and without weights.
fn has_config_alone(path: &Path) -> bool {
    let weights = |folder: &Path| {
        let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
        files
            .into_iter()
            .any(|file| [".safetensors", ".gguf"].iter().any(|end| file.file_name().to_string_lossy().ends_with(end)))
    };
    if path.is_dir() { path.join("config.json").is_file() && !weights(path) } else { path.ends_with("config.json") }
}

fn class_of(entry: &Entry) -> Class {
    Class::of(&entry.name, entry.shape.len())
}

/// Parameters, bytes and tensors by class, in the order of reports; classes without tensors are left out.
fn by_class(model: &Model) -> Vec<(Class, u64, u64, usize)> {
    let of = |class: Class| {
        let tensors: Vec<&Entry> = model.tensors.iter().filter(|t| class_of(t) == class).collect();
        let parameters = tensors.iter().filter(|t| t.is_float).map(|t| t.elements()).sum();
        (class, parameters, tensors.iter().map(|t| t.bytes()).sum(), tensors.len())
    };
    CLASSES.into_iter().map(of).filter(|(_, _, _, count)| *count > 0).collect()
}

fn document(model: &Model, metadata: bool) -> serde_json::Value {
    let classes: serde_json::Map<_, _> =
        by_class(model).into_iter().map(|(class, parameters, ..)| (class.name().into(), parameters.into())).collect();
    let tensor = |t: &Entry| {
        serde_json::json!({
            "name": t.name, "dtype": t.dtype, "shape": t.shape, "bytes": t.bytes(), "class": class_of(t).name(),
        })
    };
    let mut document = serde_json::json!({
        "schema": 1,
        "path": model.path.display().to_string(),
        "parameters": model.parameters(),
        "by_class": classes,
        "tensors": model.tensors.iter().map(tensor).collect::<Vec<_>>(),
    });
    if metadata {
        let values = model.metadata.iter().map(|(key, value)| (key.clone(), json_value(model, value)));
        document["metadata"] = serde_json::Value::Object(values.collect());
    }
    document
}

fn json_value(model: &Model, value: &Value) -> serde_json::Value {
    match value {
        Value::Unsigned(value) => (*value).into(),
        Value::Signed(value) => (*value).into(),
        // NaN and infinities become null.
        Value::Float(value) => (*value).into(),
        Value::Bool(value) => (*value).into(),
        Value::Text(text) => text.clone().into(),
        Value::Array(array) => model.elements(array).map(|value| json_value(model, &value)).collect(),
    }
}

fn text(model: &Model, metadata: bool) -> String {
    let bytes: u64 = model.tensors.iter().map(Entry::bytes).sum();
    let mut out = format!("file:       {}\n", model.path.display());
    for (key, name) in [("general.name", "name:      "), ("general.architecture", "structure: ")] {
        if let Some(text) = model.value(key).and_then(Value::as_text) {
            out.push_str(&format!("{name} {}\n", cut(text)));
        }
    }
    out.push_str(&format!(
        "tensors:    {}\nparameters: {}\nbytes:      {} ({}, {})\n\n",
        model.tensors.len(),
        grouped(model.parameters().into()),
        grouped(bytes.into()),
        decimal(bytes),
        binary(bytes)
    ));
    let parameters = model.parameters().max(1);
    let mut rows = vec![["class", ">tensors", ">parameters", ">share", ">bytes"].map(String::from).to_vec()];
    for (class, count, bytes, tensors) in by_class(model) {
        let share = format!("{:.1} %", count as f64 * 100.0 / parameters as f64);
        rows.push(vec![class.name().into(), tensors.to_string(), grouped(count.into()), share, grouped(bytes.into())]);
    }
    out.push_str(&table(&rows));
    let mut types = BTreeMap::<&str, (usize, u64, u64)>::new();
    for tensor in &model.tensors {
        let (count, elements, bytes) = types.entry(&tensor.dtype).or_default();
        (*count, *elements, *bytes) = (*count + 1, *elements + tensor.elements(), *bytes + tensor.bytes());
    }
    let mut rows = vec![["type", ">tensors", ">values", ">bits a value", ">bytes"].map(String::from).to_vec()];
    for (dtype, (count, elements, bytes)) in types {
        let bits = if elements == 0 { "-".into() } else { format!("{:.2}", bytes as f64 * 8.0 / elements as f64) };
        rows.push(vec![dtype.into(), count.to_string(), grouped(elements.into()), bits, grouped(bytes.into())]);
    }
    out.push_str(&format!("\n{}", table(&rows)));
    let unplaced: Vec<&str> = model.tensors.iter().filter(|t| class_of(t) == Class::Other).map(|t| t.name.as_str()).collect();
    if !unplaced.is_empty() {
        out.push_str(&format!("\nnot placed by their names (other): {}\n", unplaced.join(", ")));
    }
    if metadata {
        let mut rows = vec![["metadata", "value"].map(String::from).to_vec()];
        rows.extend(model.metadata.iter().map(|(key, value)| vec![key.clone(), shown(model, value)]));
        out.push_str(&format!("\n{}", table(&rows)));
    }
    let mut rows = vec![["tensor", "class", "type", "shape", ">bytes"].map(String::from).to_vec()];
    for tensor in &model.tensors {
        let shape = format!("{:?}", tensor.shape);
        let bytes = grouped(tensor.bytes().into());
        rows.push(vec![tensor.name.clone(), class_of(tensor).name().into(), tensor.dtype.clone(), shape, bytes]);
    }
    out.push_str(&format!("\n{}", table(&rows)));
    out
}

/// A value of the metadata in a line.
fn shown(model: &Model, value: &Value) -> String {
    match value {
        Value::Array(array) => {
            let first: Vec<String> = model.elements(array).take(SHOWN).map(|value| cut(&value.to_string())).collect();
            let more = if array.len > SHOWN as u64 { ", ..." } else { "" };
            format!("[{}{more}] ({} values)", first.join(", "), grouped(array.len.into()))
        }
        other => cut(&other.to_string()),
    }
}

/// A text in a line of bounded length.
fn cut(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(WIDTH).collect();
    if text.chars().count() > WIDTH { line + "..." } else { line }
}
