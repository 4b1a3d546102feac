//! How fast the device draws tokens, beside its copy speed, its dispatch floor and (with `--features peers`) candle on one thread.
//!
//! `cargo bench --bench sample --features peers` runs all of it; `-- p0.9` a part. `WEIGHBRIDGE_ADAPTER` names the device. The logits
//! lie on the device already; what is timed is a step: record, submit, wait. No token is read back.

use std::time::Duration;

use criterion::Criterion;
use weighbridge::format::Element;
use weighbridge::gpu::{Gpu, GpuOptions};
use weighbridge::sample::{Logits, Sampler, SamplerLayout, SamplingParams};

#[cfg(feature = "peers")]
mod candle;
mod floor;
#[path = "../common/rounds.rs"]
mod rounds;

/// What becomes of a logit, by its place and value.
type Shape<'a> = (&'a str, &'a dyn Fn(usize, f32) -> f32);

/// Rows of logits on the host.
struct Rows {
    batch: usize,
    vocab: usize,
    values: Vec<f32>,
}

struct Line {
    name: String,
    median: Duration,
    bytes: u64,
    dispatches: u32,
    candle: Option<Duration>,
}

fn main() {
    let mut options = GpuOptions::default();
    if let Ok(name) = std::env::var("WEIGHBRIDGE_ADAPTER") {
        options.adapter = name.parse().expect("any text is a selector");
    }
    let gpu = Gpu::open(&options).unwrap_or_else(|e| panic!("{e}\nhint: {}", e.hint().unwrap_or_default()));
    println!("device: {} ({})", gpu.info().name, gpu.info().driver);
    let mut criterion = Criterion::default().configure_from_args();
    let least = gpu.prepare_copy(16).expect("sixteen bytes fit");
    let floor = rounds::median(&mut criterion, "floor/dispatch", 32, || least.run(&gpu).expect("copies"));

    let tens = floor::of_ten(&gpu, &mut criterion);

    let u = || SamplingParams::unfiltered().temperature(0.8);
    let usual = [
        ("greedy", SamplingParams::greedy()),
        ("k36+p0.7", SamplingParams::default()),
        ("p0.9", u().top_p(0.9)),
        ("min-p", u().min_p(0.05)),
    ];
    let mut lines = Vec::new();
    for vocab in [32_000, 131_072, 262_144] {
        for batch in [1, 32] {
            let rows = real(batch, vocab);
            for (name, params) in &usual {
                lines.extend(time(&gpu, &mut criterion, &format!("{batch}x{vocab}/{name}"), &rows, params));
            }
        }
    }
    let more = [
        ("unfiltered", u()),
        ("k256+p0.95", u().top_k(256).top_p(0.95)),
        ("k1000", u().top_k(1000)),
        ("typical0.9", u().typical_p(0.9)),
    ];
    let (batch, vocab) = (32, 131_072);
    for (name, params) in &more {
        lines.extend(time(&gpu, &mut criterion, &format!("{batch}x{vocab}/{name}"), &real(batch, vocab), params));
    }
    // Rows that are not like a model's: no chain may take much longer for them.
    let shapes: [Shape<'_>; 3] =
        [("flat", &|_, x| x * 0.02), ("equal", &|_, _| 1.0), ("descending", &|i, _| 10.0 - (i % vocab) as f32 * 1e-4)];
    for (shape, value) in shapes {
        let mut rows = real(batch, vocab);
        rows.values.iter_mut().enumerate().for_each(|(i, x)| *x = value(i, *x));
        for (name, params) in usual.iter().chain(&more) {
            lines.extend(time(&gpu, &mut criterion, &format!("{batch}x{vocab}-{shape}/{name}"), &rows, params));
        }
    }
    criterion.final_summary();
    let copy = gpu.copy_speed(16 << 20, 9).expect("copies");
    let micros = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64() * 1e6;
    println!("\ncopy {:.2} GB/s read + written, dispatch floor {:.1} us", copy / 1e9, micros(floor));
    let [direct, indirect, checked] = tens.map(micros);
    println!("ten dispatches {direct:.1} us, ten indirect ones {indirect:.1} us, checked on the device {checked:.1} us");
    println!(
        "\n| rows x vocabulary / chain | ms | logits once, GB/s | / copy | dispatches | candle, ms | candle / ours |\n|---|---|---|---|---|---|---|"
    );
    for line in lines {
        let seconds = line.median.as_secs_f64();
        let speed = line.bytes as f64 / seconds;
        let candle = line.candle.map(|c| c.as_secs_f64());
        println!(
            "| {} | {:.3} | {:.2} | {:.2} | {} | {} | {} |",
            line.name,
            seconds * 1e3,
            speed / 1e9,
            speed / copy,
            line.dispatches,
            candle.map_or("-".into(), |c| format!("{:.3}", c * 1e3)),
            candle.map_or("-".into(), |c| format!("{:.2}", c / seconds)),
        );
    }
}

/// Real logits, repeated: rows of SmolLM2 one after the other until a row is full.
fn real(batch: usize, vocab: usize) -> Rows {
    let file = include_bytes!("../../tests/golden/smollm2-logits.safetensors");
    let file = safetensors::SafeTensors::deserialize(file).expect("the file is whole");
    let tensor = file.tensor("logits").expect("it holds logits");
    let all = Element::F32.widen(tensor.data());
    let own = tensor.shape()[1];
    let values =
        (0..batch).flat_map(|row| all.iter().cycle().skip(row % 16 * own).take(vocab).copied().collect::<Vec<_>>()).collect();
    Rows { batch, vocab, values }
}

fn time(gpu: &Gpu, criterion: &mut Criterion, name: &str, rows: &Rows, params: &SamplingParams) -> Option<Line> {
    let bytes: &[u8] = bytemuck::cast_slice(&rows.values);
    let buffer = gpu.buffer::<u8>("logits/bench", bytes.len() as u64).expect("the logits fit");
    let mut recording = gpu.record("logits");
    recording.upload(&buffer, 0, bytes);
    recording.run().expect("uploads");
    let logits = Logits::new(&buffer, Element::F32, rows.batch as u64, rows.vocab as u64).expect("they are there");
    let mut sampler = Sampler::new(gpu, SamplerLayout::new(rows.batch as u64, rows.vocab as u64)).expect("the sampler fits");
    sampler.set_all(params).expect("the parameters are sound");
    let dispatches = sampler.dispatches(&logits).expect("prepares");
    let median = rounds::median(criterion, name, bytes.len() as u64, || {
        let mut recording = gpu.record("step");
        sampler.record(&mut recording, &logits).expect("records");
        recording.run().expect("runs");
    })?;
    #[cfg(feature = "peers")]
    let candle = candle::time(criterion, name, rows, params);
    #[cfg(not(feature = "peers"))]
    let candle = None;
    Some(Line { name: name.into(), median, bytes: bytes.len() as u64, dispatches, candle })
}
