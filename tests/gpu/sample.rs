//! The sampler on a device against its twin: tokens, status and kept count are equal, whatever the path.

use weighbridge::format::Element;
use weighbridge::gpu::{Buffer, Gpu};
use weighbridge::sample::{Drawn, Logits, Preset, Routes, Sampler, SamplerLayout, SamplingParams, decide};

use crate::data::{Words, gpu};

/// Logits on the device, at their places: `[rows, vocab]` from element `first`, `stride` apart.
pub fn upload(gpu: &Gpu, bytes: &[u8]) -> Buffer<u8> {
    let buffer = gpu.buffer("logits/test", bytes.len() as u64).unwrap();
    let mut recording = gpu.record("test");
    recording.upload(&buffer, 0, bytes);
    recording.run().unwrap();
    buffer
}

fn bytes(rows: &[f32]) -> Vec<u8> {
    rows.iter().flat_map(|x| x.to_le_bytes()).collect()
}

/// Rows that look like logits: a bell with a heavy right tail.
pub fn logits(words: &mut Words, len: usize) -> Vec<f32> {
    (0..len)
        .map(|_| {
            let x = words.weight() * 60.0;
            let rare = words.next() % 97 == 0;
            if rare { x + (words.next() % 1000) as f32 / 100.0 } else { x }
        })
        .collect()
}

/// Everything that is worth telling apart, by a name.
pub fn chains() -> Vec<(&'static str, SamplingParams)> {
    let u = SamplingParams::unfiltered;
    vec![
        ("default", SamplingParams::default()),
        ("greedy", SamplingParams::greedy()),
        ("unfiltered", u()),
        ("hot", u().temperature(7.5)),
        ("k256", u().temperature(0.9).top_k(256).top_p(0.95)),
        ("k1000", u().top_k(1000).top_p(0.9)),
        ("p", u().top_p(0.9)),
        ("p flat", u().temperature(3.0).top_p(0.8)),
        ("min_p", u().min_p(0.05)),
        ("min_p low", u().temperature(2.0).min_p(0.0001)),
        ("epsilon", u().epsilon(0.0003)),
        ("typical", u().typical_p(0.5)),
        ("typical narrow", u().typical_p(0.2).min_p(0.1)),
        ("sigma", u().top_n_sigma(1.0).temperature(1.5)),
        ("eta", u().eta(0.0009)),
        (
            "all",
            u().temperature(1.1).top_k(3000).top_p(0.97).min_p(0.001).typical_p(0.9).top_n_sigma(4.0).epsilon(1e-5).eta(1e-4),
        ),
        ("min_keep", u().temperature(0.3).top_p(0.1).min_keep(5)),
        ("min_keep 300", u().top_p(0.01).min_p(0.9).min_keep(300)),
        ("mlx", u().temperature(0.7).top_p(0.8).min_p(0.02).top_k(50).preset(Preset::Mlx)),
        ("llama.cpp", u().temperature(0.8).top_k(40).top_p(0.95).min_p(0.05).preset(Preset::LlamaCpp)),
        ("vllm", u().min_p(0.01).top_k(60).top_p(0.9).preset(Preset::Vllm)),
        ("trt", u().top_k(20).top_p(0.5).preset(Preset::TensorRtLlm)),
        ("candle", u().temperature(0.9).top_k(30).top_p(0.6).preset(Preset::Candle)),
    ]
}

/// Draws from the rows with these parameters on the device and by the twin.
#[track_caller]
pub fn compare(what: &str, gpu: &Gpu, routes: Routes, rows: &[Vec<f32>], params: &[SamplingParams], position: u64) {
    let vocab = rows[0].len() as u64;
    let mut layout = SamplerLayout::new(rows.len() as u64, vocab);
    layout.routes = routes;
    layout.draws = params.iter().map(|p| p.top_n).max().unwrap();
    let mut sampler = Sampler::new(gpu, layout).unwrap();
    for row in 0..rows.len() {
        sampler.set(row as u64, &params[row % params.len()]).unwrap();
        sampler.set_position(row as u64, position);
    }
    let buffer = upload(gpu, &bytes(&rows.concat()));
    let logits = Logits::new(&buffer, Element::F32, rows.len() as u64, vocab).unwrap();
    let got = sampler.sample(&logits).unwrap();
    let wrong: Vec<String> = (0..rows.len())
        .filter_map(|row| {
            let want: Drawn = decide(&rows[row], &params[row % params.len()]).unwrap().drawn(position, None);
            (got[row] != want).then(|| format!("row {row} ({}): got {:?}, want {want:?}", params[row % params.len()], got[row]))
        })
        .collect();
    assert!(wrong.is_empty(), "{what}: {} of {} rows differ:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn tokens_equal_the_twin() {
    let mut words = Words(4);
    for vocab in [1000, 7, 1, 32000] {
        for routes in [Routes::Fastest, Routes::Whole] {
            let chains = chains();
            let rows: Vec<_> = chains.iter().map(|_| logits(&mut words, vocab)).collect();
            let params: Vec<_> = chains.into_iter().map(|(_, p)| p.seed(words.next())).collect();
            compare(&format!("{vocab} {routes:?}"), gpu(), routes, &rows, &params, 77);
        }
    }
}
