//! The transformer block on the device: beside its twin, with what it keeps on the ledger.

use std::collections::BTreeMap;

use weighbridge::block::{Attention, Block, BlockShape, EPSILON, KvCache, Parameters, Recompute};
use weighbridge::footprint::estimate::c_of_block;
use weighbridge::format::Element;
use weighbridge::gpu::{Buffer, Gpu};

use crate::block_maker::{Values, twin, weights, widened};
use crate::data::{gpu, open, options, place, read};

const WAYS: [(Attention, Recompute); 5] = [
    (Attention::Naive, Recompute::None),
    (Attention::Naive, Recompute::Selective),
    (Attention::Naive, Recompute::Full),
    (Attention::Flash, Recompute::None),
    (Attention::Flash, Recompute::Full),
];

type Buffers = BTreeMap<&'static str, Buffer<f32>>;

fn parameters(buffers: &Buffers) -> Parameters<'_> {
    Parameters::new(buffers.iter().map(|(name, buffer)| (*name, buffer.window())))
}

/// F32 sums of up to a few hundred products beside f64: 1e-5 of the largest value of the tensor, which where all cancel may be 0.
#[track_caller]
pub fn near(what: &str, got: &[f32], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}");
    let size = want.iter().fold(0.1_f64, |most, x| most.max(x.abs()));
    let off = got.iter().zip(want).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(off <= 1e-5 * size, "{what}: off by {off} of {size}");
}

/// The logits of one hidden state: normalized, times the head.
pub fn scores(y: &[f32], norm: &[f32], head: &[f32]) -> Vec<f64> {
    let y = widened(y);
    let rms = (y.iter().map(|v| v * v).sum::<f64>() / y.len() as f64 + EPSILON).sqrt();
    let score = |row: &[f32]| y.iter().zip(norm).zip(row).map(|((v, n), w)| v / rms * f64::from(*n) * f64::from(*w)).sum();
    head.chunks(y.len()).map(score).collect()
}

fn both(gpu: &Gpu, shape: BlockShape, [batch, tokens]: [u64; 2]) {
    let mut values = Values(shape.hidden + tokens);
    let start = weights(&shape, &mut values);
    let x = values.list(batch * tokens * shape.hidden, 1.0);
    let dy = values.list(batch * tokens * shape.hidden, 1.0);
    let twin = twin(&shape, &start);
    let want = twin.forward(&widened(&x), batch as usize, tokens as usize);
    let (want_dx, want_gradients) = twin.backward(&want, &widened(&dy));
    let weights: Buffers = start.iter().map(|(name, w)| (*name, place(gpu, "weight/w", w))).collect();
    let gradients: Buffers = start.iter().map(|(name, w)| (*name, place(gpu, "gradient/w", &vec![7.0; w.len()]))).collect();
    let dy = place(gpu, "scratch/dy", &dy);
    for (attention, recompute) in WAYS {
        let what = format!("{shape:?} {attention:?} {recompute:?}");
        let block = Block::new(gpu, shape, attention, recompute, tokens).unwrap();
        let (kept, y) =
            block.forward(gpu, &parameters(&weights), place(gpu, "activation/0.x", &x), [batch, tokens], 0).unwrap();
        near(&format!("{what} y"), &read(gpu, &y), &want.tensors["y"]);
        for (name, _) in kept.parts() {
            near(&format!("{what} {name}"), &read(gpu, kept.tensor(name).unwrap()), &want.tensors[name]);
        }
        let dx = block.backward(gpu, &parameters(&weights), &kept, &dy, &parameters(&gradients)).unwrap();
        near(&format!("{what} dx"), &read(gpu, &dx), &want_dx);
        for (name, gradient) in &gradients {
            near(&format!("{what} d {name}"), &read(gpu, gradient), &want_gradients[name]);
        }
    }
}

#[test]
fn forward_and_backward_are_those_of_the_twin() {
    // Grouped heads that are not hidden / heads wide; tokens beyond a tile of 64; a head wider than 64; one token.
    both(gpu(), BlockShape { hidden: 40, heads: 4, kv_heads: 2, head_dim: 12, ff: 56, gated: true }, [2, 9]);
    both(gpu(), BlockShape { hidden: 32, heads: 2, kv_heads: 1, head_dim: 80, ff: 20, gated: true }, [1, 131]);
    both(gpu(), BlockShape { hidden: 8, heads: 1, kv_heads: 1, head_dim: 8, ff: 8, gated: true }, [3, 1]);
}

/// What is kept, byte for byte on the ledger, is the derived formula: l b s h p C.
#[test]
fn what_is_kept_is_the_formula() {
    // Llama-2-7B's proportions: C = 16.0625 but for attention.
    let shape = BlockShape { hidden: 256, heads: 2, kv_heads: 2, head_dim: 128, ff: 688, gated: true };
    let gpu = open(options());
    let mut values = Values(3);
    let start = weights(&shape, &mut values);
    let weights: Buffers = start.iter().map(|(name, w)| (*name, place(&gpu, "weight/w", w))).collect();
    for (attention, recompute) in WAYS {
        let block = Block::new(&gpu, shape, attention, recompute, 64).unwrap();
        for (layers, batch, tokens) in [(1, 1, 32), (2, 1, 32), (3, 2, 32), (1, 1, 64)] {
            let before = gpu.ledger().by_class().get("activation").copied().unwrap_or(0);
            assert_eq!(before, 0);
            let mut x = place(&gpu, "activation/0.x", &values.list(batch * tokens * shape.hidden, 1.0));
            let mut kept = Vec::new();
            for layer in 0..layers {
                let (of_layer, y) = block.forward(&gpu, &parameters(&weights), x, [batch, tokens], layer).unwrap();
                kept.push(of_layer);
                x = y;
            }
            let output = x.bytes();
            let measured = gpu.ledger().by_class()["activation"] - output;
            let unit = (layers * batch * tokens * shape.hidden * 4) as f64;
            let c = c_of_block(&shape, tokens, 4, attention, recompute);
            assert_eq!(measured as f64, unit * c, "{attention:?} {recompute:?} {layers} {batch} {tokens}");
            let names: Vec<_> = shape.saved(batch, tokens, attention, recompute).iter().map(|s| (s.name, s.bytes(4))).collect();
            let mut found: Vec<_> = kept[0].parts().collect();
            found.sort_unstable();
            let mut wanted = names.clone();
            wanted.sort_unstable();
            assert_eq!(found, wanted);
        }
    }
    let c = |attention| c_of_block(&shape, 64, 4, attention, Recompute::None);
    assert_eq!(c(Attention::Naive), 16.0625 + 2.0 * 64.0 / 256.0);
}

/// What the backward pass has beside that: as derived, but for the parameters of its dispatches and their staging.
#[test]
fn what_the_backward_pass_works_with_is_the_formula() {
    let shape = BlockShape { hidden: 64, heads: 4, kv_heads: 2, head_dim: 16, ff: 160, gated: true };
    let gpu = open(options());
    let mut values = Values(6);
    let start = weights(&shape, &mut values);
    let weights: Buffers = start.iter().map(|(name, w)| (*name, place(&gpu, "weight/w", w))).collect();
    let gradients: Buffers = start.iter().map(|(name, w)| (*name, place(&gpu, "gradient/w", w))).collect();
    // Tokens of which no tensor here is a multiple of 256 bytes.
    let [batch, tokens] = [1, 95];
    let dy = place(&gpu, "scratch/dy", &values.list(batch * tokens * shape.hidden, 1.0));
    for (attention, recompute) in WAYS {
        let block = Block::new(&gpu, shape, attention, recompute, tokens).unwrap();
        let x = place(&gpu, "activation/0.x", &values.list(batch * tokens * shape.hidden, 1.0));
        let (kept, y) = block.forward(&gpu, &parameters(&weights), x, [batch, tokens], 0).unwrap();
        drop(y);
        gpu.quiesce().unwrap();
        gpu.ledger().reset_peak();
        let before = gpu.ledger().live_bytes();
        block.backward(&gpu, &parameters(&weights), &kept, &dy, &parameters(&gradients)).unwrap();
        let beside = gpu.ledger().peak_bytes() - before;
        let said = 4 * shape.working(batch, tokens, attention, recompute);
        // 256 bytes for the parameters of each dispatch, 22 to 26 of them.
        let rest = beside - said;
        assert!(
            rest.is_multiple_of(256) && (22..=26).contains(&(rest / 256)),
            "{attention:?} {recompute:?}: {beside}, derived {said}"
        );
    }
}

#[test]
fn decoding_is_the_forward_pass() {
    let shape = BlockShape { hidden: 40, heads: 4, kv_heads: 2, head_dim: 12, ff: 56, gated: true };
    let (gpu, batch, tokens) = (gpu(), 2_u64, 9_u64);
    let mut values = Values(4);
    let start = weights(&shape, &mut values);
    let weights: Buffers = start.iter().map(|(name, w)| (*name, place(gpu, "weight/w", w))).collect();
    let x = values.list(batch * tokens * shape.hidden, 1.0);
    let want = twin(&shape, &start).forward(&widened(&x), batch as usize, tokens as usize);
    let h = shape.hidden as usize;
    let part = |values: &[f32], from: usize, to: usize| -> Vec<f32> {
        values.chunks(tokens as usize * h).flat_map(|sequence| sequence[from * h..to * h].to_vec()).collect()
    };
    let block = Block::new(gpu, shape, Attention::Flash, Recompute::None, 12).unwrap();
    let mut cache = KvCache::new(gpu, &shape, Element::F32, [batch, 12], 0).unwrap();
    // A prompt of six tokens, then one after the other.
    for (from, to) in [(0, 6), (6, 7), (7, 8), (8, 9)] {
        let input = place(gpu, "scratch/x", &part(&x, from, to));
        let y = block.decode(gpu, &parameters(&weights), &mut cache, &input, (to - from) as u64).unwrap();
        let all: Vec<f32> = want.tensors["y"].iter().map(|y| *y as f32).collect();
        near(&format!("tokens {from}..{to}"), &read(gpu, &y), &widened(&part(&all, from, to)));
    }
    assert_eq!((cache.tokens(), cache.bytes()), (9, 2 * batch * 12 * shape.key() * 4));
    let input = place(gpu, "scratch/x", &x[..(batch * 4) as usize * h]);
    let error = block.decode(gpu, &parameters(&weights), &mut cache, &input, 4).unwrap_err();
    assert!(error.to_string().contains("room for 13 tokens"), "{error}");
    // More tokens than there are rotations for.
    let short = Block::new(gpu, shape, Attention::Flash, Recompute::None, 4).unwrap();
    let x = place(gpu, "activation/0.x", &x[..(batch * 5) as usize * h]);
    let error = short.forward(gpu, &parameters(&weights), x, [batch, 5], 0).unwrap_err();
    assert!(error.to_string().contains("at most the 4 positions"), "{error}");
}

/// Weights and caches in BF16: what BF16 holds of the weights goes into the twin, so that only F32 arithmetic lies between; a cache in BF16 rounds keys
/// and values to 8 bits.
#[test]
fn decoding_from_bf16_is_the_twin_with_what_bf16_holds() {
    let shape = BlockShape { hidden: 40, heads: 4, kv_heads: 2, head_dim: 12, ff: 56, gated: true };
    let (gpu, batch, tokens, vocab) = (gpu(), 2_u64, 7_u64, 30_u64);
    let mut values = Values(8);
    let mut start = weights(&shape, &mut values);
    start.insert("norm", values.list(shape.hidden, 1.0));
    start.insert("head", values.list(vocab * shape.hidden, 0.3));
    let halves: BTreeMap<_, Vec<half::bf16>> =
        start.iter().map(|(name, w)| (*name, w.iter().map(|x| half::bf16::from_f32(*x)).collect())).collect();
    let rounded: BTreeMap<_, Vec<f32>> =
        halves.iter().map(|(name, w)| (*name, w.iter().map(|x| x.to_f32()).collect())).collect();
    let stored: BTreeMap<_, Buffer<u8>> = (halves.iter())
        .map(|(name, w)| {
            let bytes: Vec<u8> = w.iter().flat_map(|x| x.to_le_bytes()).collect();
            let buffer = gpu.buffer::<u8>("weight/w", bytes.len() as u64).unwrap();
            let mut recording = gpu.record("test");
            recording.upload(&buffer, 0, &bytes);
            recording.run().unwrap();
            (*name, buffer)
        })
        .collect();
    let parameters = Parameters::new(stored.iter().map(|(name, buffer)| (*name, buffer.window()))).stored(Element::Bf16);
    let x = values.list(batch * tokens * shape.hidden, 1.0);
    let want = twin(&shape, &rounded).forward(&widened(&x), batch as usize, tokens as usize);
    let h = shape.hidden as usize;
    let block = Block::new(gpu, shape, Attention::Flash, Recompute::None, tokens).unwrap();
    for (cache, tolerance) in [(Element::F32, 1e-5), (Element::Bf16, 1.0 / 128.0)] {
        let mut cache = KvCache::new(gpu, &shape, cache, [batch, tokens], 0).unwrap();
        let part = |from: usize, to: usize| -> Vec<f32> {
            x.chunks(tokens as usize * h).flat_map(|sequence| sequence[from * h..to * h].to_vec()).collect()
        };
        block.decode(gpu, &parameters, &mut cache, &place(gpu, "scratch/x", &part(0, 4)), 4).unwrap();
        block.decode(gpu, &parameters, &mut cache, &place(gpu, "scratch/x", &part(4, 6)), 2).unwrap();
        let y = block.decode(gpu, &parameters, &mut cache, &place(gpu, "scratch/x", &part(6, 7)), 1).unwrap();
        let last: Vec<f64> = (want.tensors["y"].chunks(tokens as usize * h)).flat_map(|s| s[6 * h..].to_vec()).collect();
        let got = read(gpu, &y);
        let size = last.iter().fold(0.0_f64, |most, v| most.max(v.abs()));
        let off = got.iter().zip(&last).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
        assert!(off <= tolerance * size, "off by {off} of {size}");
        // The logits of what came out: normalized, times the head.
        let logits = gpu.buffer::<u8>("logits/step", 4 * batch * vocab).unwrap();
        block.logits(gpu, &parameters, &y, [batch, vocab], &logits).unwrap();
        let logits = read(gpu, &logits);
        let scored = |y: &[f32]| scores(y, &rounded["norm"], &rounded["head"]);
        near("logits", &logits, &got.chunks(h).flat_map(scored).collect::<Vec<_>>());
    }
    let refused = KvCache::new(gpu, &shape, Element::F16, [1, 1], 0).unwrap_err();
    assert!(refused.to_string().contains("F32 or BF16"), "{refused}");
}

#[test]
fn what_kernels_cannot_do_is_refused() {
    let wide = BlockShape { hidden: 8, heads: 1, kv_heads: 1, head_dim: 514, ff: 8, gated: true };
    assert!(Block::new(gpu(), wide, Attention::Flash, Recompute::None, 4).unwrap_err().to_string().contains("512"));
    let mut options = options();
    options.max_binding_bytes = Some(1 << 16);
    let small = open(options);
    let shape = BlockShape { hidden: 64, heads: 2, kv_heads: 2, head_dim: 32, ff: 128, gated: true };
    let block = Block::new(&small, shape, Attention::Naive, Recompute::None, 1024).unwrap();
    let start = weights(&shape, &mut Values(5));
    let weights: Buffers = start.iter().map(|(name, w)| (*name, place(&small, "weight/w", w))).collect();
    let x = place(&small, "activation/0.x", &vec![0.0; 1024 * 64]);
    let error = block.forward(&small, &parameters(&weights), x, [1, 1024], 0).unwrap_err();
    assert!(error.is_out_of_memory(), "{error}");
}
