//! Kept sets and probabilities against tables made by Hugging Face, llama.cpp, MLX-LM and vLLM (`scripts/sampling_golden.py`).

use serde::Deserialize;
use sha2::{Digest, Sha256};
use weighbridge::sample::{SamplingParams, decide, penalize};

use super::real_rows;

#[derive(Deserialize)]
struct Golden {
    real: Vec<Table>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Table {
    maker: String,
    name: String,
    params: SamplingParams,
    history: Option<Vec<Vec<u32>>>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    kept: usize,
    sha256: String,
    edge: Option<f64>,
    margin: Option<f64>,
    probs: Vec<f64>,
}

#[derive(Deserialize)]
struct Case {
    maker: String,
    name: String,
    why: String,
    params: SamplingParams,
    logits: Vec<Option<f32>>,
    #[serde(default)]
    prompt: Vec<u32>,
    #[serde(default)]
    output: Vec<u32>,
    kept: Vec<u32>,
    probs: Vec<f64>,
    edge: Option<f64>,
    margin: Option<f64>,
    /// The cut falls among equal logits: which of them stay is the maker's own choice.
    #[serde(default)]
    tie: bool,
    /// Where this library means something else, and says so.
    apart: Option<String>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../golden/sampling.json")).unwrap()
}

/// How near a cut may be to its boundary for a maker to miss it: those that sum up in f32 lose the ends of long tails.
fn blur(maker: &str) -> (f64, f64) {
    match maker {
        "llama.cpp" | "mlx" => (3e-4, 1e-5),
        _ => (1e-9, 1e-8),
    }
}

/// The survivors in order, and their probabilities.
fn survivors(row: &[f32], params: &SamplingParams, prompt: &[u32], output: &[u32]) -> Vec<(u32, f64)> {
    let row = penalize(row, params, None, prompt, output);
    decide(&row, params).unwrap().survivors().into_iter().map(|(id, log)| (id, f64::from(log).exp())).collect()
}

#[track_caller]
fn close(what: &str, got: &[(u32, f64)], want: &[f64], maker: &str) {
    let within = if maker == "huggingface" || maker == "vllm" { 1e-6 } else { 3e-5 };
    for (i, (want, (id, got))) in want.iter().zip(got).enumerate() {
        assert!((got - want).abs() <= within * want.max(1e-3), "{what}: token {id}, number {i}: {got}, want {want}");
    }
}

#[test]
fn real_logits() {
    let (mut compared, mut blurred) = (0, 0);
    for table in golden().real {
        for (i, (row, want)) in real_rows().iter().zip(&table.rows).enumerate() {
            let what = format!("{} of {}, row {i}", table.name, table.maker);
            let history = table.history.as_ref().map_or(&[][..], |rows| &rows[i]);
            let got = survivors(row, &table.params, &[], history);
            let mut ids: Vec<u32> = got.iter().map(|(id, _)| *id).collect();
            ids.sort_unstable();
            let bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
            let digest: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
            let (edge, margin) = blur(&table.maker);
            compared += 1;
            if digest != want.sha256 {
                let near = want.edge.is_some_and(|e| e < edge) || want.margin.is_some_and(|m| m < margin);
                assert!(
                    near,
                    "{what}: kept {}, want {} (edge {:?}, margin {:?})",
                    ids.len(),
                    want.kept,
                    want.edge,
                    want.margin
                );
                blurred += 1;
                continue;
            }
            close(&what, &got, &want.probs, &table.maker);
        }
    }
    // What f32 sums make of top-p 0.999 is most of the second figure.
    assert!(compared > 900 && blurred < 60, "{compared} rows, {blurred} of them near a boundary");
}

#[test]
fn cases_that_tell_peers_apart() {
    let mut compared = 0;
    for case in golden().cases {
        if case.tie || case.apart.is_some() {
            continue;
        }
        let row: Vec<f32> = case.logits.iter().map(|x| x.unwrap_or(f32::NEG_INFINITY)).collect();
        let got = survivors(&row, &case.params, &case.prompt, &case.output);
        let ids: Vec<u32> = got.iter().map(|(id, _)| *id).collect();
        let what = format!("{} of {} ({})", case.name, case.maker, case.why);
        if ids != case.kept {
            let near = case.edge.is_some_and(|e| e < 1e-6) || case.margin.is_some_and(|m| m < 1e-6);
            assert!(near, "{what}: {ids:?}, want {:?}", case.kept);
            continue;
        }
        close(&what, &got, &case.probs, &case.maker);
        compared += 1;
    }
    assert!(compared > 150, "{compared} cases");
}
