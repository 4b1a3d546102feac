//! Rows 4 and 8: what a parameter takes at each precision, on real tensors and in whole models.

use serde_json::{Value, json};

use super::slope::slope;
use super::{Bench, Claim, Verdict, claim};
use crate::error::Result;
use crate::footprint::estimate::Storing;
use crate::footprint::shape::open;
use crate::footprint::{Action, Class, Device, Precision, WeighOptions, plan, weigh};
use crate::format::Format;
use crate::tensor::rows_of;

/// Every family of formats, and those of its variants that differ in bytes a parameter of this layer.
const FORMATS: [&str; 14] = [
    "f32",
    "f16",
    "bf16",
    "int8:tensor",
    "int8",
    "int8:g128",
    "q8_0",
    "q5_1",
    "q5_0",
    "int4",
    "int4:f16",
    "int4:g32:asym",
    "q4_1",
    "q4_0",
];

pub(super) fn precisions(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let formats = FORMATS.iter().map(|name| name.parse()).collect::<Result<Vec<Format>>>()?;
    let device = Device::Gpu(bench.options.clone());
    let options = WeighOptions::default();
    let report = weigh(bench.inputs.layer, &formats, &device, &options, &mut |_| ())?;
    let of = |(format, precision): (&Format, &Precision)| row(bench, format, precision, &options);
    let rows = formats.iter().zip(&report.precisions).map(of).collect::<Result<Vec<_>>>()?;
    let figure = |format: &str| {
        let row = rows.iter().find(|row| row["format"] == format);
        row.and_then(|row| row["bytes_per_parameter"].as_f64()).unwrap_or(f64::NAN)
    };
    let unexplained = report.precisions.iter().filter_map(|p| p.line("residual")).any(|bytes| bytes != 0);
    // Embedding and head stay in BF16, as most files of quantized models have them.
    let llama = open("llama-3-8b")?;
    let mut models = Vec::new();
    for name in ["int8", "int4:f16", "q4_0"] {
        let storing = Storing::all(name.parse()?).keeping(&[Class::Embedding, Class::Head]);
        models.push(slope(&bench.gpu, &llama, &storing, bench.budget)?);
    }
    let nominal = llama.parameters() as f64 / 2.0;
    let condition = format!(
        "Codes alone are as said. With scales and zero points a parameter of the real layer takes {:.4} bytes in int8 (a scale for a row of \
         384 or 1,536), {:.4} in q8_0, {:.4} in int4:f16 (a scale for 128), {:.4} in q4_1. Llama-3-8B in int4:f16, embedding and head in \
         BF16: {:.2} GB ({:.2} GiB), not {:.2} ({:.2}).{}",
        figure("int8"),
        figure("q8_0"),
        figure("int4:f16"),
        figure("q4_1"),
        models[1].total as f64 / 1e9,
        models[1].total as f64 / f64::from(1 << 30),
        nominal / 1e9,
        nominal / f64::from(1 << 30),
        if unexplained { " Some bytes have no name." } else { "" }
    );
    let exact = models.iter().all(|slope| slope.exact) && !unexplained;
    let verdict = if figure("int4:f16") == 0.5 { Verdict::True } else { Verdict::Conditional };
    let mut claim = claim(4, exact, verdict, [0.5, figure("int4:f16")], "bytes a parameter (int4:f16)", condition);
    claim.evidence = json!({ "formats": rows, "models": models });
    Ok(vec![claim])
}

/// Payload, scales and padding of the matrices, as they lie on the device.
fn row(bench: &Bench<'_>, format: &Format, precision: &Precision, options: &WeighOptions) -> Result<Value> {
    let plans = plan(bench.inputs.layer, format, options)?;
    let [mut parameters, mut bytes, mut scales, mut zero_points, mut requested] = [0_u64; 5];
    for (plan, entry) in plans.iter().zip(&bench.inputs.layer.tensors) {
        let Action::Quantize { format, bytes: planes, .. } = &plan.action else { continue };
        let row_len = entry.shape.last().copied().unwrap_or(1);
        let rows = rows_of(&entry.shape);
        parameters += plan.elements;
        bytes += planes;
        scales += format.scale_bytes(rows, row_len);
        zero_points += format.zero_point_bytes(rows, row_len);
        requested += precision.tensors.iter().find(|t| t.name == plan.name).map_or(0, |t| t.bytes);
    }
    Ok(json!({
        "format": format.to_string(),
        "parameters": parameters,
        "nominal": format.nominal_bytes(parameters),
        "codes": bytes - scales - zero_points,
        "scales": scales,
        "zero_points": zero_points,
        "padding": requested - bytes,
        "bytes_per_parameter": requested as f64 / parameters as f64,
        "relative_rmse": precision.relative_rmse,
        "residual": precision.line("residual"),
    }))
}

pub(super) fn seven_billion(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let llama = open("llama-2-7b")?;
    let of = |name: &str| slope(&bench.gpu, &llama, &Storing::all(name.parse()?), bench.budget);
    let models = ["f32", "bf16", "int8"].into_iter().map(of).collect::<Result<Vec<_>>>()?;
    let gb = |i: usize| models[i].total as f64 / 1e9;
    let gib = |i: usize| models[i].total as f64 / f64::from(1 << 30);
    let condition = format!(
        "As decimal GB of exactly 7 billion parameters. Llama-2-7B has 6.74: {:.2}, {:.2}, {:.2} GB ({:.2}, {:.2}, {:.2} GiB); in Int8 its \
         scales and normalizations add {:.2} %.",
        gb(0),
        gb(1),
        gb(2),
        gib(0),
        gib(1),
        gib(2),
        100.0 * (models[2].total as f64 / llama.parameters() as f64 - 1.0)
    );
    let verdict = if models[2].total == 7_000_000_000 { Verdict::True } else { Verdict::Conditional };
    let mut claim =
        claim(8, models.iter().all(|slope| slope.exact), verdict, [7e9, models[2].total as f64], "bytes (Int8)", condition);
    claim.evidence = json!({ "models": models });
    Ok(vec![claim])
}
