//! The block, the optimizers and the codes of 8-bit moments against outside makers: transformers, PyTorch, bitsandbytes
//! (`scripts/train_golden.py`).

use std::path::Path;

use weighbridge::block::{Attention, Block, BlockShape, BlockTwin, Parameters, Recompute};
use weighbridge::gpu::Buffer;
use weighbridge::io::{Model, Value};
use weighbridge::train::{Hyper, Optimizer, SIGNED, Trained, Twin, UNSIGNED, codebook};

use crate::data::{self, gpu};

fn golden() -> Model {
    Model::open(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/train.safetensors"))).unwrap()
}

fn bytes<'m>(model: &'m Model, name: &str) -> &'m [u8] {
    let entry = model.tensors.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no {name}"));
    model.bytes(entry)
}

fn f32s(model: &Model, name: &str) -> Vec<f32> {
    bytes(model, name).chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

fn f64s(model: &Model, name: &str) -> Vec<f64> {
    bytes(model, name).chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().unwrap())).collect()
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|x| f64::from(*x)).collect()
}

#[track_caller]
fn near(what: &str, got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{what}");
    let size = want.iter().fold(f64::MIN_POSITIVE, |most, x| most.max(x.abs()));
    let off = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / size;
    assert!(off <= tolerance, "{what}: off by {off} of the largest value");
}

const WEIGHTS: [&str; 9] = ["attention_norm", "query", "key", "value", "output", "mlp_norm", "gate", "up", "down"];

#[test]
fn the_block_is_that_of_transformers() {
    let golden = golden();
    for case in ["plain", "grouped"] {
        let Some(Value::Text(text)) = golden.value(&format!("block.{case}")) else { panic!("no widths of {case}") };
        let widths: serde_json::Value = serde_json::from_str(text).unwrap();
        let of = |key: &str| widths[key].as_u64().unwrap();
        let (batch, tokens) = (of("batch"), of("tokens"));
        let shape = BlockShape {
            hidden: of("hidden"),
            heads: of("heads"),
            kv_heads: of("kv_heads"),
            head_dim: of("head_dim"),
            ff: of("ff"),
            gated: true,
        };
        let name = |part: &str| format!("block.{case}.{part}");
        let (x, dy) = (f32s(&golden, &name("x")), f32s(&golden, &name("dy")));
        let weights = WEIGHTS.map(|w| (w, f32s(&golden, &name(&format!("w.{w}")))));
        // The twin, in f64 as the maker.
        let twin = BlockTwin { shape, weights: weights.iter().map(|(w, values)| (*w, wide(values))).collect() };
        let kept = twin.forward(&wide(&x), batch as usize, tokens as usize);
        let (dx, gradients) = twin.backward(&kept, &wide(&dy));
        near(&format!("{case} y"), &kept.tensors["y"], &f64s(&golden, &name("y")), 1e-12);
        near(&format!("{case} dx"), &dx, &f64s(&golden, &name("dx")), 1e-12);
        for w in WEIGHTS {
            near(&format!("{case} d {w}"), &gradients[w], &f64s(&golden, &name(&format!("d.{w}"))), 1e-12);
        }
        // The device, in f32.
        let gpu = gpu();
        let place = |label: &str, values: &[f32]| data::place(gpu, label, values);
        let read = |buffer: &Buffer<f32>| wide(&data::read(gpu, buffer));
        let placed = weights.each_ref().map(|(w, values)| (*w, place("weight/w", values)));
        let to = weights.each_ref().map(|(w, values)| (*w, place("gradient/w", &vec![0.0; values.len()])));
        let parameters = Parameters::new(placed.iter().map(|(w, buffer)| (*w, buffer.window())));
        let targets = Parameters::new(to.iter().map(|(w, buffer)| (*w, buffer.window())));
        let dy = place("scratch/dy", &dy);
        for attention in [Attention::Naive, Attention::Flash] {
            let block = Block::new(gpu, shape, attention, Recompute::None, tokens).unwrap();
            let (kept, y) = block.forward(gpu, &parameters, place("activation/0.x", &x), [batch, tokens], 0).unwrap();
            let dx = block.backward(gpu, &parameters, &kept, &dy, &targets).unwrap();
            near(&format!("{case} {attention:?} y"), &read(&y), &f64s(&golden, &name("y")), 1e-5);
            near(&format!("{case} {attention:?} dx"), &read(&dx), &f64s(&golden, &name("dx")), 1e-5);
            for (w, buffer) in &to {
                near(&format!("{case} {attention:?} d {w}"), &read(buffer), &f64s(&golden, &name(&format!("d.{w}"))), 1e-5);
            }
        }
    }
}

#[test]
fn steps_are_those_of_pytorch() {
    let golden = golden();
    let (weights, gradients) = (f32s(&golden, "optimizer.weights"), f32s(&golden, "optimizer.gradients"));
    let n = weights.len();
    for optimizer in [Optimizer::AdamwF32, Optimizer::SgdMomentum, Optimizer::AdamwMixed] {
        let want = f32s(&golden, &format!("optimizer.{}", optimizer.name()));
        let mut twin = Twin::new(optimizer, &weights);
        let mut trained = Trained::new(gpu(), optimizer, "mlp", "golden", &weights).unwrap();
        // BF16 may round the other way where F32 differs by its last place.
        let (tolerance, rarely) = if optimizer == Optimizer::AdamwMixed { (1.0 / 128.0, n / 100) } else { (1e-6, n) };
        for step in 0..gradients.len() / n {
            let now = &gradients[step * n..][..n];
            let want = &want[step * n..][..n];
            twin.step(now, &Hyper::default());
            trained.set_gradients(gpu(), now).unwrap();
            trained.step(gpu(), &Hyper::default()).unwrap();
            for (what, got) in [("twin", twin.weights.clone()), ("device", trained.download(gpu()).unwrap())] {
                let what = format!("{} {what} step {step}", optimizer.name());
                near(&what, &wide(&got), &wide(want), tolerance);
                let differ = got.iter().zip(want).filter(|(a, b)| a != b).count();
                assert!(differ <= rarely, "{what}: {differ} of {n} differ");
            }
        }
    }
}

#[test]
fn eight_bit_codes_are_those_of_bitsandbytes() {
    let golden = golden();
    for (name, signed) in [("signed", SIGNED), ("unsigned", UNSIGNED)] {
        assert_eq!(codebook(signed).to_vec(), f32s(&golden, &format!("codebook.{name}")), "{name}");
    }
    let values = f32s(&golden, "blockwise.values");
    let (codes, scales) = (bytes(&golden, "blockwise.codes"), f32s(&golden, "blockwise.absmax"));
    let table = codebook(SIGNED);
    for (i, value) in values.iter().enumerate() {
        let scale = scales[i / 256];
        // A block of zeros has whatever code: its scale is 0.
        if scale > 0.0 {
            let share = value * (1.0 / scale);
            let best = table.iter().map(|v| (v - share).abs()).fold(f32::INFINITY, f32::min);
            assert!((table[usize::from(codes[i])] - share).abs() <= best * (1.0 + 1e-5), "value {i}");
        }
    }
}
