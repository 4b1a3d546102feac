//! Row 5: a 13B model in Int8 beside a 7B model in BF16. Memory is measured; quality is not.

use serde_json::json;

use super::slope::slope;
use super::{Bench, Claim, Verdict, claim};
use crate::error::Result;
use crate::footprint::estimate::Storing;
use crate::footprint::shape::open;

const VARIANTS: [&str; 5] = ["int8:tensor", "int8", "int8:g128:f16", "int8:g128", "q8_0"];

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let (seven, thirteen) = (open("llama-2-7b")?, open("llama-2-13b")?);
    let of = |shape, name: &str| slope(&bench.gpu, shape, &Storing::all(name.parse()?), bench.budget);
    let reference = of(&seven, "bf16")?;
    let variants = VARIANTS.iter().map(|name| of(&thirteen, name)).collect::<Result<Vec<_>>>()?;
    let breaks: Vec<&str> = variants.iter().filter(|v| v.total > reference.total).map(|v| v.format.as_str()).collect();
    let list: Vec<String> = variants
        .iter()
        .map(|v| format!("{} {:.3} ({:.3})", v.format, v.total as f64 / 1e9, v.total as f64 / f64::from(1 << 30)))
        .collect();
    let condition = format!(
        "Memory only: quality is not measured here. Llama-2-13B in GB (GiB): {}; Llama-2-7B in BF16: {:.3} ({:.3}). {}",
        list.join(", "),
        reference.total as f64 / 1e9,
        reference.total as f64 / f64::from(1 << 30),
        match breaks.len() {
            0 => "All variants are smaller.".into(),
            _ => format!("Larger: {}.", breaks.join(", ")),
        }
    );
    let exact = reference.exact && variants.iter().all(|v| v.exact);
    let verdict = match breaks.len() {
        // Its quality is not measured, so it is never true outright.
        n if n == variants.len() => Verdict::False,
        _ => Verdict::Conditional,
    };
    let mut claim = claim(5, exact, verdict, [reference.total as f64, variants[1].total as f64], "bytes", condition);
    claim.evidence = json!({ "seven_billion_bf16": reference, "thirteen_billion": variants, "breaks": breaks });
    Ok(vec![claim])
}
