//! The tour: a real layer at three precisions, and draws from real logits, on one screen.

use std::process::ExitCode;

use super::draws::{Draws, Rows, draw};
use super::table::table;
use super::weigh::exit;
use super::weigh_text::{device_line, precisions};
use super::{Common, device, inputs, print, print_json, with_progress};
use crate::error::Result;
use crate::footprint::{Device, WeighOptions, weigh};
use crate::format::{Element, Format};
use crate::gpu::GpuOptions;
use crate::io::{Model, Value};
use crate::sample::{NO_TOKEN, SamplingParams};
use crate::units::grouped;

pub(super) fn run(common: &Common) -> Result<ExitCode> {
    let model = inputs::layer()?;
    let formats = ["bf16", "int8", "int4"].map(str::parse).into_iter().collect::<Result<Vec<Format>>>()?;
    let device = device(common, GpuOptions::default())?;
    let report = with_progress(common, |progress| weigh(&model, &formats, &device, &WeighOptions::default(), progress))?;
    let logits = inputs::logits()?;
    let params = SamplingParams::default();
    let drawn = drawn(common, &device, &logits, &params)?;
    if common.json {
        let mut document = serde_json::to_value(&report).unwrap_or_default();
        let row =
            |row: &super::draws::Row| serde_json::json!({ "row": row.number, "kept_count": row.kept, "tokens": row.tokens });
        document["sampling"] = drawn.rows.iter().map(row).collect();
        print_json(&document)?;
        return Ok(exit(&report));
    }
    print(&format!(
        "{}\nmodel:  layer 0 of all-MiniLM-L6-v2, embedded: {} parameters in F32\n\n{}\n{EXPLAINED}\n{}\n{NEXT}",
        device_line(&report),
        grouped(report.parameters.into()),
        precisions(&report),
        sampling(&logits, &params, &drawn),
    ));
    Ok(exit(&report))
}

/// A token from each of the embedded rows.
fn drawn(common: &Common, device: &Device, logits: &Model, params: &SamplingParams) -> Result<Draws> {
    let entry = &logits.tensors[0];
    let [rows, vocab] = [entry.shape[0], entry.shape[1]];
    let rows = Rows {
        bytes: logits.bytes(entry),
        element: Element::F32,
        vocab,
        numbers: (0..rows).collect(),
        history: vec![],
        lists: false,
    };
    draw(common, device, &rows, params, 1)
}

fn sampling(logits: &Model, params: &SamplingParams, drawn: &Draws) -> String {
    let text = |key: String| match logits.value(&key) {
        Some(Value::Text(text)) => text.clone(),
        _ => String::new(),
    };
    let mut rows = vec![["what stood before", ">tokens kept", ">drawn", ""].map(String::from).to_vec()];
    for row in &drawn.rows {
        let id = row.tokens.first().copied().unwrap_or(NO_TOKEN);
        let word = text(format!("token {id}"));
        let word = if word.is_empty() { word } else { format!("{word:?}") };
        rows.push(vec![text(format!("prompt {}", row.number)), row.kept.to_string(), id.to_string(), word]);
    }
    let vocab = grouped(logits.tensors[0].shape[1].into());
    format!("Tokens drawn from real logits (SmolLM2-135M-Instruct, {vocab} tokens): {params}\n\n{}", table(&rows))
}

const EXPLAINED: &str = "\
formula: parameters x 2, 1 or 0.5 bytes. Measured: what the device's allocator gave; the lines between them add up exactly.
relative RMSE: sqrt(sum of squared errors / sum of squares) over the quantized matrices, measured on the device.
";

const NEXT: &str = "\
Next:  weighbridge weigh MODEL.safetensors --as bf16,int8,int4,q8_0   your own weights
       weighbridge sample LOGITS.safetensors --draws 1000             your own logits
       weighbridge prove                                             what an article says of model sizes, measured here
       weighbridge devices                                           what this machine has
       weighbridge --help
";
