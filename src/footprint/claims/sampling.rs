//! Row 17: how many candidates each stage leaves of real logits, and what the classes `logits` and `sampling` take.

use serde_json::{Value, json};

use super::{Bench, Claim, Verdict, claim};
use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::Gpu;
use crate::sample::{Logits, Sampler, SamplerLayout, SamplingParams};
use crate::units::grouped;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let logits = bench.inputs.logits;
    let entry = logits.tensors.first().filter(|entry| entry.shape.len() == 2).ok_or_else(|| Error::Unsupported {
        what: "the logits".into(),
        need: "a matrix in F32".into(),
        have: format!("{} tensors", logits.tensors.len()),
    })?;
    let [rows, vocab] = [entry.shape[0], entry.shape[1]];
    let gpu = Gpu::open(&bench.options)?;
    let buffer = gpu.buffer::<u8>("logits/rows", entry.bytes().next_multiple_of(16))?;
    let mut recording = gpu.record("logits");
    recording.upload(&buffer, 0, logits.bytes(entry));
    recording.run()?;
    let stages = [
        ("temperature 0.8", SamplingParams::unfiltered().temperature(0.8)),
        ("top-k 36", SamplingParams::unfiltered().temperature(0.8).top_k(36)),
        ("top-p 0.7", SamplingParams::unfiltered().temperature(0.8).top_k(36).top_p(0.7)),
    ];
    let mut sampler = Sampler::new(&gpu, SamplerLayout::new(rows, vocab))?;
    let mut left = Vec::new();
    for (name, params) in &stages {
        sampler.set_all(params)?;
        let drawn = sampler.sample(&Logits::new(&buffer, Element::F32, rows, vocab)?)?;
        left.push((*name, drawn.iter().map(|row| row.kept).collect::<Vec<u32>>()));
    }
    gpu.trim();
    gpu.quiesce()?;
    let by_class = gpu.ledger().by_class();
    let bytes = |class: &str| by_class.get(class).copied().unwrap_or(0);
    let number = |n: u64| grouped(n.into());
    let span = |counts: &[u32]| {
        let (least, most) = (counts.iter().min().copied().unwrap_or(0), counts.iter().max().copied().unwrap_or(0));
        if least == most { number(least.into()) } else { format!("{least} to {most}") }
    };
    let list: Vec<String> = left.iter().map(|(name, counts)| format!("{name} leaves {}", span(counts))).collect();
    let formula = rows * vocab * 4;
    let condition = format!(
        "Whether they are good is taste; what they do is not: of {} tokens {} in each of {rows} rows. Logits: {} bytes (b V 4 = {}), sampling: {} \
         bytes, {} a row.",
        number(vocab),
        list.join(", "),
        number(bytes("logits")),
        number(formula),
        number(bytes("sampling")),
        number(bytes("sampling") / rows.max(1))
    );
    let mean = left[2].1.iter().map(|n| f64::from(*n)).sum::<f64>() / rows as f64;
    let mut claim =
        claim(17, bytes("logits") >= formula, Verdict::Conditional, [36.0, mean], "candidates left, on the average", condition);
    let stages: Vec<Value> = left.iter().map(|(name, counts)| json!({ "stage": name, "left": counts })).collect();
    claim.evidence = json!({
        "rows": rows, "vocabulary": vocab, "stages": stages, "logits_bytes": bytes("logits"), "logits_formula": formula,
        "sampling_bytes": bytes("sampling"),
    });
    Ok(vec![claim])
}
