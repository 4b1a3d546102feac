//! How fast the device quantizes, dequantizes and transfers, each figure beside the copy speed of the same device in the same run.
//!
//! `cargo bench` runs all of it; `cargo bench -- quantize` a part. `WEIGHBRIDGE_BENCH_ELEMENTS` sets the number of values
//! (33,554,432), `WEIGHBRIDGE_ADAPTER` the device. What is timed is the library's call: dispatch, wait, and the read-back of
//! the error sums.

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use criterion::Criterion;
use weighbridge::format::{self, Element, FORMATS};
use weighbridge::gpu::{Gpu, GpuOptions};
use weighbridge::quantize::{QuantizeOptions, dequantize_into, quantize, quantize_into};
use weighbridge::tensor::Tensor;

mod multiply;
#[path = "../common/rounds.rs"]
mod rounds;
mod transfer;

/// The median of each benchmark's rounds, for the table at the end.
pub struct Bench {
    criterion: RefCell<Criterion>,
    rows: RefCell<Vec<Row>>,
}

struct Row {
    name: String,
    median: Duration,
    values_bytes: u64,
    moved_bytes: u64,
}

impl Bench {
    /// Times `work`, which reads and writes `moved_bytes` for `values_bytes` of F32.
    pub fn time(&self, name: &str, values_bytes: u64, moved_bytes: u64, work: impl FnMut()) {
        if let Some(median) = rounds::median(&mut self.criterion.borrow_mut(), name, moved_bytes, work) {
            self.rows.borrow_mut().push(Row { name: name.into(), median, values_bytes, moved_bytes });
        }
    }

    fn table(&self) {
        let rows = self.rows.borrow();
        let speed = |row: &Row, bytes: u64| bytes as f64 / row.median.as_secs_f64() / 1e9;
        let copy = rows.iter().find(|r| r.name == "copy/kernel").map(|r| speed(r, r.moved_bytes));
        println!("\n| benchmark | ms | GB/s of F32 | GB/s read + written | / copy |\n|---|---|---|---|---|");
        for row in rows.iter() {
            println!(
                "| {} | {:.2} | {:.2} | {:.2} | {} |",
                row.name,
                row.median.as_secs_f64() * 1e3,
                speed(row, row.values_bytes),
                speed(row, row.moved_bytes),
                copy.map_or("-".into(), |copy| format!("{:.2}", speed(row, row.moved_bytes) / copy)),
            );
        }
    }
}

fn main() {
    let elements: u64 =
        std::env::var("WEIGHBRIDGE_BENCH_ELEMENTS").ok().and_then(|n| n.parse().ok()).unwrap_or(1 << 25) / 4096 * 4096;
    let mut options = GpuOptions::default();
    if let Ok(name) = std::env::var("WEIGHBRIDGE_ADAPTER") {
        options.adapter = name.parse().expect("any text is a selector");
    }
    let gpu = Gpu::open(&options).unwrap_or_else(|e| panic!("{e}\nhint: {}", e.hint().unwrap_or_default()));
    println!("device: {} ({}), {elements} values", gpu.info().name, gpu.info().driver);
    let bench = Bench { criterion: RefCell::new(Criterion::default().configure_from_args()), rows: RefCell::default() };
    transfer::bench(&bench, &gpu, elements * 4);
    formats(&bench, &gpu, elements);
    bench.criterion.borrow_mut().final_summary();
    bench.table();
}

/// The real weights of a layer of MiniLM, repeated.
fn weights(elements: u64) -> Vec<u8> {
    let file = include_bytes!("../../data/minilm-layer0.safetensors");
    let file = safetensors::SafeTensors::deserialize(file).expect("the embedded file is whole");
    let mut names = file.names();
    names.sort_unstable();
    let matrices = names.iter().filter_map(|name| file.tensor(name).ok()).filter(|t| t.shape().len() == 2);
    let layer: Vec<u8> = matrices.flat_map(|t| t.data().to_vec()).collect();
    layer.iter().copied().cycle().take(elements as usize * 4).collect()
}

fn formats(bench: &Bench, gpu: &Gpu, elements: u64) {
    let bytes = weights(elements);
    let shape = [elements / 1024, 1024];
    let rounded: Vec<u8> = bytes
        .chunks_exact(4)
        .flat_map(|b| half::bf16::from_f32(f32::from_le_bytes([b[0], b[1], b[2], b[3]])).to_le_bytes())
        .collect();
    let sources = [
        ("", Tensor::upload(gpu, "weight/source", &shape, Element::F32, &bytes).expect("the source fits")),
        ("-from-bf16", Tensor::upload(gpu, "weight/source", &shape, Element::Bf16, &rounded).expect("the source fits")),
    ];
    let values = sources[0].1.requested_bytes();
    for format in format::all() {
        let coded = format.bytes(shape[0], shape[1]);
        for (suffix, source) in &sources {
            // How wide the source is tells the same of each variant of Int8 and Int4.
            if !suffix.is_empty() && !FORMATS.contains(&format) {
                continue;
            }
            let (target, _) = quantize(gpu, source, &format, &QuantizeOptions::default()).expect("quantizes");
            // The scaled driver reads its source twice.
            let reads = if target.planes.len() > 1 { 2 } else { 1 };
            let moved = reads * source.requested_bytes() + coded;
            for (what, errors) in [("quantize", true), ("quantize-without-errors", false)] {
                let mut options = QuantizeOptions::default();
                options.errors = errors;
                bench.time(&format!("{what}/{format}{suffix}"), values, moved, || {
                    black_box(quantize_into(gpu, source, &target, &options).expect("quantizes"));
                });
            }
            if suffix.is_empty() {
                let back = Tensor::room(gpu, "scratch/values", &shape, Element::F32).expect("the values fit");
                bench.time(&format!("dequantize/{format}"), values, values + coded, || {
                    dequantize_into(gpu, &target, &back).expect("dequantizes");
                });
                drop(back);
                if FORMATS.contains(&format) {
                    multiply::bench(bench, gpu, &format.to_string(), &target, values);
                }
            }
        }
    }
}
