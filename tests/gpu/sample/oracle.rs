//! The real logits under every preset: the device equals the twin, which equals the outside makers (tests/host/sample/tables.rs).
//! And the device's own statistics.

use std::collections::HashMap;

use weighbridge::format::Element;
use weighbridge::sample::{Logits, Sampler, SamplerLayout, SamplingParams};

use super::{Case, Way, upload};
use crate::data::{bytes_of, gpu};

fn real_rows() -> Vec<Vec<f32>> {
    let bytes = include_bytes!("../../golden/smollm2-logits.safetensors");
    let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
    let tensor = file.tensor("logits").unwrap();
    Element::F32.widen(tensor.data()).chunks_exact(tensor.shape()[1]).map(<[f32]>::to_vec).collect()
}

#[test]
fn real_logits_under_every_preset() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("../../golden/sampling.json")).unwrap();
    let rows = real_rows();
    let tables = golden["real"].as_array().unwrap();
    assert!(tables.len() > 50, "{} tables", tables.len());
    for table in tables {
        let params: SamplingParams = serde_json::from_value(table["params"].clone()).unwrap();
        let history = |row: usize| serde_json::from_value(table["history"][row].clone()).unwrap_or_default();
        let cases: Vec<Case> = rows
            .iter()
            .enumerate()
            .map(|(i, row)| Case { output: history(i), ..Case::new(row.clone(), params.clone().seed(i as u64)) })
            .collect();
        Way { top: Some(3), ..Way::default() }.compare(&format!("{} as {}", table["name"], table["maker"]), gpu(), &cases);
    }
}

#[test]
fn a_hundred_thousand_draws() {
    const DRAWS: u32 = 100_000;
    let u = SamplingParams::unfiltered;
    let rows = real_rows();
    // A peaked row, a flat one, and a row whose tail lies far below: 3,000 tokens 9 nats under the best.
    let tail: Vec<f32> = (0..3000).map(|i| if i == 1234 { 9.0 } else { (i % 4) as f32 * 0.1 }).collect();
    for (row, params) in [(&rows[9], u().top_k(36).temperature(1.5)), (&rows[15], u().top_k(120)), (&tail, u())] {
        let mut layout = SamplerLayout::new(1, row.len() as u64);
        layout.kept = layout.vocab;
        let mut sampler = Sampler::new(gpu(), layout).unwrap();
        sampler.set(0, &params.seed(8)).unwrap();
        let buffer = upload(gpu(), &bytes_of(row, Element::F32));
        let logits = Logits::new(&buffer, Element::F32, 1, row.len() as u64).unwrap();
        let (drawn, tokens) = sampler.draw_many(&logits, DRAWS, |_| ()).unwrap().remove(0);
        let mut counts: HashMap<u32, f64> = HashMap::new();
        tokens.iter().for_each(|id| *counts.entry(*id).or_default() += 1.0);
        // Cells of 8 and more; the rest together, in the order of the row.
        let (mut chi_square, mut cells) = (0.0, 0.0);
        let mut rest = (0.0, 0.0);
        for (id, log) in drawn.survivors.unwrap() {
            rest.0 += f64::from(log).exp() * f64::from(DRAWS);
            rest.1 += counts.remove(&id).unwrap_or(0.0);
            if rest.0 >= 8.0 {
                chi_square += (rest.1 - rest.0) * (rest.1 - rest.0) / rest.0;
                cells += 1.0;
                rest = (0.0, 0.0);
            }
        }
        assert!(counts.is_empty(), "drawn, though it did not survive: {counts:?}");
        // Wilson and Hilferty's approximation of a chi-square's deviations.
        let freedom: f64 = cells - 1.0;
        let spread = 2.0 / (9.0 * freedom);
        let z = ((chi_square / freedom).cbrt() - (1.0 - spread)) / spread.sqrt();
        assert!(freedom >= 1.0 && z.abs() < 4.5, "{cells} cells, chi-square {chi_square:.1}, {z:.2} deviations");
    }
}
