//! A block whose matrices are in a format's codes: multiplied as they are stored.

use std::collections::BTreeMap;

use weighbridge::block::{Attention, Block, BlockShape, Coded, KvCache, Parameters, Recompute};
use weighbridge::format::{self, Element, Format};
use weighbridge::gpu::Gpu;
use weighbridge::quantize::{QuantizeOptions, Tail, quantize};
use weighbridge::tensor::Tensor;

use crate::block::{near, scores};
use crate::block_maker::{Values, twin, weights, widened};
use crate::data::{bytes_of, gpu, open, options, place, read};

/// Rows of 128 and 384 values: whole groups of every format.
const SHAPE: BlockShape = BlockShape { hidden: 128, heads: 4, kv_heads: 2, head_dim: 32, ff: 384, gated: true };
const VOCAB: u64 = 30;

/// A matrix on the device in a format, and what its codes mean.
fn coded(gpu: &Gpu, format: &Format, name: &str, [rows, row_len]: [u64; 2], values: &[f32]) -> (Tensor, Vec<f32>) {
    let source = Tensor::upload(gpu, name, &[rows, row_len], Element::F32, &bytes_of(values, Element::F32)).unwrap();
    let (tensor, _) = quantize(gpu, &source, format, &QuantizeOptions::default()).unwrap();
    let planes = tensor.download(gpu).unwrap();
    (tensor, format::decode(format, &planes, values.len(), row_len as usize))
}

/// The block's twin is given what the codes mean, so that only F32 arithmetic lies between.
fn decoded(gpu: &Gpu, format: &Format) {
    let (batch, tokens, h) = (3_u64, 5_u64, SHAPE.hidden as usize);
    let mut values = Values(11);
    let mut meant = weights(&SHAPE, &mut values);
    let norm = values.list(SHAPE.hidden, 1.0);
    let head = values.list(VOCAB * SHAPE.hidden, 0.3);
    let matrices: BTreeMap<_, _> = (SHAPE.weights().into_iter().filter(|(_, [rows, _])| *rows > 1))
        .map(|(name, shape)| {
            let (tensor, meaning) = coded(gpu, format, name, shape, &meant[name]);
            meant.insert(name, meaning);
            (name, tensor)
        })
        .collect();
    let (head_coded, head) = coded(gpu, format, "head", [VOCAB, SHAPE.hidden], &head);
    let norms: BTreeMap<_, _> = ["attention_norm", "mlp_norm"].map(|name| (name, place(gpu, "weight/w", &meant[name]))).into();
    let norm_placed = place(gpu, "weight/w", &norm);
    let plain = norms.iter().map(|(name, buffer)| (*name, buffer.window())).chain([("norm", norm_placed.window())]);
    let all = matrices.iter().map(|(name, tensor)| (*name, tensor)).chain([("head", &head_coded)]);
    let parameters = Parameters::new(plain).coded(all.map(|(name, tensor)| (name, Coded::of(gpu, tensor).unwrap())));

    let x = values.list(batch * tokens * SHAPE.hidden, 1.0);
    let want = twin(&SHAPE, &meant).forward(&widened(&x), batch as usize, tokens as usize);
    let block = Block::new(gpu, SHAPE, Attention::Flash, Recompute::None, tokens).unwrap();
    let (kept, y) = block.forward(gpu, &parameters, place(gpu, "activation/0.x", &x), [batch, tokens], 0).unwrap();
    near(&format!("{format} y"), &read(gpu, &y), &want.tensors["y"]);

    let part = |from: usize, to: usize| -> Vec<f32> {
        x.chunks(tokens as usize * h).flat_map(|sequence| sequence[from * h..to * h].to_vec()).collect()
    };
    let mut cache = KvCache::new(gpu, &SHAPE, Element::F32, [batch, tokens], 0).unwrap();
    block.decode(gpu, &parameters, &mut cache, &place(gpu, "scratch/x", &part(0, 4)), 4).unwrap();
    let x = place(gpu, "scratch/x", &part(4, 5));
    let y = block.decode(gpu, &parameters, &mut cache, &x, 1).unwrap();
    let last: Vec<f64> = (want.tensors["y"].chunks(tokens as usize * h)).flat_map(|s| s[4 * h..].to_vec()).collect();
    near(&format!("{format} last token"), &read(gpu, &y), &last);

    let logits = gpu.buffer::<u8>("logits/step", 4 * batch * VOCAB).unwrap();
    block.logits(gpu, &parameters, &y, [batch, VOCAB], &logits).unwrap();
    let wanted: Vec<f64> = read(gpu, &y).chunks(h).flat_map(|y| scores(y, &norm, &head)).collect();
    near(&format!("{format} logits"), &read(gpu, &logits), &wanted);

    let error = block.backward(gpu, &parameters, &kept, &y, &parameters).unwrap_err();
    assert!(error.to_string().contains("weights and gradients in F32"), "{error}");
}

#[test]
fn every_format_is_multiplied_as_its_twin_decodes_it() {
    for name in ["f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0"] {
        decoded(gpu(), &name.parse().unwrap());
    }
}

#[test]
fn scales_and_zero_points_that_lie_apart_are_found() {
    for name in ["int8", "int8:tensor:f16", "int8:g32", "int4", "int4:g32:f16", "int4:g64:asym", "int4:asym:f16"] {
        decoded(gpu(), &name.parse().unwrap());
    }
}

#[test]
fn what_cannot_be_read_as_stored_is_refused() {
    let int8: Format = "int8".parse().unwrap();
    let refused = |shape| Coded::check(&int8, shape).unwrap_err().to_string();
    assert!(refused([4, 12]).contains("multiple of 8 values"));
    assert!(refused([1 << 20, 1 << 12]).contains("less than 2^32"));
    assert!(Coded::check(&"q4_0".parse().unwrap(), [4, 48]).is_err(), "half a block");
    assert!(Coded::check(&"int4".parse().unwrap(), [4, 64]).is_err(), "half a group");

    let gpu = gpu();
    let plain = Tensor::room(gpu, "weight/w", &[4, 128], Element::F32).unwrap();
    assert!(Coded::of(gpu, &plain).unwrap_err().to_string().contains("codes"));
    // A matrix with a row too few.
    let (short, _) = coded(gpu, &int8, "head", [3, 128], &vec![1.0; 3 * 128]);
    let norm = place(gpu, "weight/w", &vec![1.0; 128]);
    let parameters = Parameters::new([("norm", norm.window())]).coded([("head", Coded::of(gpu, &short).unwrap())]);
    let block = Block::new(gpu, SHAPE, Attention::Flash, Recompute::None, 1).unwrap();
    let logits = gpu.buffer::<u8>("logits/step", 16).unwrap();
    let error = block.logits(gpu, &parameters, &norm, [1, 4], &logits).unwrap_err();
    assert!(error.to_string().contains("[512, 16] bytes"), "{error}");
    // Rows that were padded.
    let mut padding = QuantizeOptions::default();
    padding.tail = Tail::Pad;
    let source = Tensor::upload(gpu, "w", &[4, 48], Element::F32, &[0; 4 * 4 * 48]).unwrap();
    let (padded, _) = quantize(gpu, &source, &"q4_0".parse().unwrap(), &padding).unwrap();
    assert!(Coded::of(gpu, &padded).unwrap_err().to_string().contains("rows that are not padded"));
    // A plane that no window shows whole, and one that is cut into several buffers.
    for cut in [false, true] {
        let mut options = options();
        options.max_binding_bytes = Some(1 << 16);
        options.max_buffer_bytes = cut.then_some(1 << 16);
        let small = open(options);
        let (large, _) = coded(&small, &int8, "w", [1024, 128], &vec![1.0; 1024 * 128]);
        assert!(Coded::of(&small, &large).unwrap_err().is_out_of_memory());
    }
}

/// More workgroups than one dimension of a grid may have, and no float copy of the matrix on the way.
#[test]
fn a_tall_matrix_takes_a_grid_of_two_dimensions() {
    let gpu = open(options());
    let (vocab, h) = (16 * 65_535 + 40_u64, 8_u64);
    let shape = BlockShape { hidden: h, heads: 1, kv_heads: 1, head_dim: 8, ff: 8, gated: true };
    let mut values = Values(5);
    let head: Vec<f32> = (0..vocab * h).map(|i| (i % 251) as f32 - 125.0).collect();
    let (head_coded, head) = coded(&gpu, &"int8".parse().unwrap(), "head", [vocab, h], &head);
    let (norm, y) = (vec![1.0; h as usize], values.list(h, 1.0));
    let (norm_placed, x) = (place(&gpu, "weight/w", &norm), place(&gpu, "scratch/x", &y));
    let head_read = Coded::of(&gpu, &head_coded).unwrap();
    let parameters = Parameters::new([("norm", norm_placed.window())]).coded([("head", head_read)]);
    let block = Block::new(&gpu, shape, Attention::Flash, Recompute::None, 1).unwrap();
    let logits = gpu.buffer::<u8>("logits/step", 4 * vocab).unwrap();
    gpu.quiesce().unwrap();
    gpu.ledger().reset_peak();
    let before = gpu.ledger().live_bytes();
    block.logits(&gpu, &parameters, &x, [1, vocab], &logits).unwrap();
    assert!(gpu.ledger().peak_bytes() - before < 4096, "the normalized state and parameters, no more");
    near("logits", &read(&gpu, &logits), &scores(&y, &norm, &head));
}

/// Logits of so many sequences that a binding holds a part of them at a time.
#[test]
fn logits_beyond_a_binding_come_in_parts() {
    let mut options = options();
    options.max_binding_bytes = Some(1 << 16);
    let gpu = open(options);
    let (batch, vocab, h) = (200_u64, 100_u64, 8_u64);
    let shape = BlockShape { hidden: h, heads: 1, kv_heads: 1, head_dim: 8, ff: 8, gated: true };
    let mut values = Values(6);
    let (norm, head) = (values.list(h, 1.0), values.list(vocab * h, 1.0));
    let x = values.list(batch * h, 1.0);
    let placed = [&norm, &head, &x].map(|list| place(&gpu, "weight/w", list));
    let parameters = Parameters::new([("norm", placed[0].window()), ("head", placed[1].window())]);
    let block = Block::new(&gpu, shape, Attention::Flash, Recompute::None, 1).unwrap();
    let logits = gpu.buffer::<u8>("logits/step", 4 * batch * vocab).unwrap();
    block.logits(&gpu, &parameters, &placed[2], [batch, vocab], &logits).unwrap();
    let wanted: Vec<f64> = x.chunks(h as usize).flat_map(|y| scores(y, &norm, &head)).collect();
    near("logits", &read(&gpu, &logits), &wanted);
    // Of 64 sequences already more than a binding.
    let error = block.logits(&gpu, &parameters, &placed[2], [batch, 1000], &logits).unwrap_err();
    assert!(error.is_out_of_memory(), "{error}");
}
