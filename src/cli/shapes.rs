//! Models without weights: their tensors, parameters by class, what a token's cache takes.

use super::table::table;
use crate::footprint::class::CLASSES;
use crate::footprint::shape::{Shape, TensorShape};
use crate::units::{binary, decimal, grouped};

pub(super) fn document(shape: &Shape) -> serde_json::Value {
    let tensor = |t: &TensorShape| serde_json::json!({ "name": t.name, "shape": t.shape, "class": t.class.name() });
    serde_json::json!({
        "schema": 1,
        "name": shape.name,
        "model_type": shape.model_type,
        "parameters": shape.parameters(),
        "active_parameters": shape.active_parameters(),
        "further_parameters": shape.further,
        "by_class": shape.by_class(),
        "layers": shape.layers.len(),
        "hidden": shape.hidden,
        "vocabulary": shape.vocab,
        "cached_elements_per_token": shape.cached_per_token(),
        "tensors": shape.tensors.iter().map(tensor).collect::<Vec<_>>(),
    })
}

pub(super) fn text(shape: &Shape) -> String {
    let parameters = shape.parameters();
    let mut out =
        format!("model:      {} ({}), shapes only\nparameters: {}\n", shape.name, shape.model_type, grouped(parameters.into()));
    if shape.active_parameters() != parameters {
        out.push_str(&format!("            {} for a token\n", grouped(shape.active_parameters().into())));
    }
    if shape.further > 0 {
        out.push_str(&format!("            {} more in layers that predict further tokens\n", grouped(shape.further.into())));
    }
    let windows = shape.layers.iter().filter(|l| l.window.is_some()).count();
    let cache = 2 * shape.cached_per_token();
    let looks = if windows > 0 { format!(", {windows} of them over a window") } else { String::new() };
    out.push_str(&format!("layers:     {}{looks}; hidden state {}\n", shape.layers.len(), shape.hidden));
    out.push_str(&format!(
        "cache:      {} bytes of BF16 a token ({}, {})\n\n",
        grouped(cache.into()),
        decimal(cache),
        binary(cache)
    ));
    let counts = shape.by_class();
    let mut rows = vec![["class", ">parameters", ">share", ">bytes in BF16"].map(String::from).to_vec()];
    for class in CLASSES {
        if let Some(count) = counts.0.get(&class) {
            let share = format!("{:.2} %", *count as f64 * 100.0 / parameters.max(1) as f64);
            rows.push(vec![class.name().into(), grouped((*count).into()), share, decimal(2 * count)]);
        }
    }
    out.push_str(&table(&rows));
    let mut rows = vec![["tensor", "class", "shape", ">parameters"].map(String::from).to_vec()];
    // Layers that are alike are shown once.
    let by_layer = shape.by_layer();
    for t in &shape.tensors {
        let first = |i: usize| by_layer.iter().position(|n| *n == by_layer[i]) == Some(i);
        if t.layer.is_none_or(|i| (i as usize) < by_layer.len() && first(i as usize)) {
            rows.push(vec![t.name.clone(), t.class.name().into(), format!("{:?}", t.shape), grouped(t.elements().into())]);
        }
    }
    out.push_str(&format!("\n{}", table(&rows)));
    out
}
