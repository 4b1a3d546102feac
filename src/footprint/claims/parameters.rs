//! Rows 1 to 3: how many parameters, what they depend on, and of which classes they are.

use serde_json::json;

use super::slope::{Slope, slope};
use super::{Bench, Claim, Verdict, claim};
use crate::error::Result;
use crate::footprint::estimate::Storing;
use crate::footprint::shape::open;
use crate::format::Element;
use crate::train::{Hyper, Optimizer, Trained};
use crate::units::grouped;

/// Models of the article, and what it says of them in billions.
const SAID: [(&str, f64); 5] =
    [("gpt3-175b", 175.0), ("grok-1", 314.0), ("llama-2-7b", 7.0), ("llama-2-13b", 13.0), ("llama-2-70b", 70.0)];

/// The article's five classes, as far as a buffer can have them.
const FIVE: [&str; 6] = ["attention", "mlp", "weight", "bias", "embedding", "initial_state"];

fn measured(bench: &Bench<'_>, name: &str) -> Result<Slope> {
    slope(&bench.gpu, &open(name)?, &Storing::all("bf16".parse()?), bench.budget)
}

pub(super) fn counts(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let models = SAID.iter().map(|(name, _)| measured(bench, name)).collect::<Result<Vec<_>>>()?;
    let rows: Vec<_> = (SAID.iter().zip(&models))
        .map(|((name, said), slope)| {
            let parameters = slope.total / 2;
            // A claim in billions is right where it is what the count rounds to.
            let rounds = (parameters as f64 / 1e9).round() == *said;
            json!({ "model": name, "said_billions": said, "parameters": parameters, "rounds_to_it": rounds, "slope": slope })
        })
        .collect();
    let exact = models.iter().all(|slope| slope.exact);
    let condition = format!(
        "GPT-3 rounds to 175 billion. Grok-1 has {:.1} billion with its embedding and {:.1} in its layers, which is the 314 of its \
         maker. \"70B\" is {:.2} billion. Layers placed: {}.",
        models[1].total as f64 / 2e9,
        (models[1].per_layer * models[1].layers) as f64 / 2e9,
        models[4].total as f64 / 2e9,
        if exact { "every difference is the formula's to the byte" } else { "a difference is not the formula's" }
    );
    let right = rows.iter().filter(|row| row["rounds_to_it"] == true).count();
    let verdict = match right {
        n if n == rows.len() => Verdict::True,
        0 => Verdict::False,
        _ => Verdict::Conditional,
    };
    let mut claim = claim(1, exact, verdict, [175e9, models[0].total as f64 / 2.0], "parameters", condition);
    claim.evidence = json!({ "models": rows });
    Ok(vec![claim])
}

/// The bytes of a tensor do not change with what it has seen; they double with the layers.
pub(super) fn structure(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let gpu = &bench.gpu;
    let largest = bench.inputs.layer.tensors.iter().filter(|entry| entry.is_float).max_by_key(|entry| entry.elements());
    let values = largest.map_or(vec![], |entry| Element::F32.widen(bench.inputs.layer.bytes(entry)));
    let mut trained = Trained::new(gpu, Optimizer::AdamwF32, "mlp", "seen", &values)?;
    trained.set_gradients(gpu, &values)?;
    let mut bytes = Vec::new();
    for step in 0..4_u32 {
        if step > 0 {
            trained.step(gpu, &Hyper::default())?;
        }
        gpu.trim();
        gpu.quiesce()?;
        // What the driver was asked for, all buffers together; the ledger where it does not tell.
        bytes.push(gpu.required_bytes().unwrap_or_else(|| gpu.ledger().live_bytes()));
    }
    let same = bytes.iter().all(|b| *b == bytes[0]);
    let llama = measured(bench, "llama-2-70b")?;
    let condition = format!(
        "After 0 to 3 steps of training on a tensor of {} parameters the driver holds {} bytes. A layer of Llama-2-70B: {} bytes, every one.",
        grouped(trained.elements().into()),
        bytes.iter().map(|b| grouped((*b).into())).collect::<Vec<_>>().join("; "),
        grouped(llama.per_layer.into())
    );
    let verdict = if same { Verdict::True } else { Verdict::False };
    let mut claim = claim(2, llama.exact, verdict, [bytes[0] as f64, bytes[3] as f64], "bytes", condition);
    claim.evidence = json!({ "bytes_after_steps": bytes, "slope": llama });
    Ok(vec![claim])
}

pub(super) fn classes(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let (llama, gpt2) = (measured(bench, "llama-2-7b")?, measured(bench, "gpt2")?);
    let beyond = |slope: &Slope| -> u64 {
        slope.classes.iter().filter(|(class, _)| !FIVE.contains(&class.as_str())).map(|(_, bytes)| bytes).sum()
    };
    let share = 100.0 * (llama.total - beyond(&llama)) as f64 / llama.total as f64;
    let bytes = |slope: &Slope, class: &str| grouped(slope.classes.get(class).copied().unwrap_or(0).into());
    let condition = format!(
        "Llama-2-7B: {:.2} % of its bytes are in the five classes; head ({} bytes) and normalizations ({}) are in none of them. Initial \
         states: {} bytes; biases: {} (GPT-2: {}).",
        share,
        bytes(&llama, "head"),
        bytes(&llama, "norm"),
        bytes(&llama, "initial_state"),
        bytes(&llama, "bias"),
        bytes(&gpt2, "bias"),
    );
    let verdict = if beyond(&llama) == 0 { Verdict::True } else { Verdict::Conditional };
    let mut claim = claim(3, llama.exact && gpt2.exact, verdict, [100.0, share], "% of the bytes", condition);
    claim.evidence = json!({ "models": [llama, gpt2] });
    Ok(vec![claim])
}
