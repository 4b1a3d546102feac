//! Rows 9 and 10: what a block keeps for its backward pass.

use serde_json::{Value, json};

use super::blocks::{class, place, read, values, weights};
use super::{Bench, Claim, Verdict, claim};
use crate::block::{Attention, Block, BlockShape, BlockTwin, Parameters, Recompute};
use crate::error::Result;
use crate::footprint::estimate::{c_of_block, korthikanti_c};
use crate::gpu::{Buffer, Gpu};

/// The proportions of Llama-2-7B: without attention's own part C is 16.0625.
const SHAPE: BlockShape = BlockShape { hidden: 256, heads: 2, kv_heads: 2, head_dim: 128, ff: 688, gated: true };
/// A layer of SmolLM2-135M as it is: few key heads and a narrow feed-forward part keep less.
const NARROW: BlockShape = BlockShape { hidden: 576, heads: 9, kv_heads: 3, head_dim: 64, ff: 1536, gated: true };
/// Bytes of a value here.
const F32: u64 = 4;

const WAYS: [(Attention, Recompute); 4] = [
    (Attention::Naive, Recompute::None),
    (Attention::Flash, Recompute::None),
    (Attention::Naive, Recompute::Selective),
    (Attention::Naive, Recompute::Full),
];

/// A block's weights on the device.
struct Placed(BlockShape, Vec<(&'static str, Buffer<f32>)>);

impl Placed {
    fn new(gpu: &Gpu, shape: BlockShape, gradients: bool) -> Result<Self> {
        let of = |(name, values): (&'static str, Vec<f32>)| {
            let class = if gradients { "gradient" } else { class(name) };
            Ok((name, place(gpu, &format!("{class}/{name}"), &values)?))
        };
        Ok(Self(shape, weights(&shape, 7).into_iter().map(of).collect::<Result<_>>()?))
    }

    fn parameters(&self) -> Parameters<'_> {
        Parameters::new(self.1.iter().map(|(name, buffer)| (*name, buffer.window())))
    }
}

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let gpu = &bench.gpu;
    let placed = Placed::new(gpu, SHAPE, false)?;
    let mut points = Vec::new();
    for (attention, recompute) in WAYS {
        for tokens in [64, 128, 256] {
            let bytes = kept(gpu, &placed, attention, recompute, [1, 1, tokens])?;
            let c = bytes as f64 / (tokens * SHAPE.hidden * F32) as f64;
            points.push(json!({
                "attention": attention, "recompute": recompute, "tokens": tokens, "bytes": bytes, "c": c,
                "c_formula": c_of_block(&SHAPE, tokens, F32, attention, recompute),
            }));
        }
    }
    let narrow = Placed::new(gpu, NARROW, false)?;
    let other = kept(gpu, &narrow, Attention::Flash, Recompute::None, [1, 1, 64])? as f64 / (64 * NARROW.hidden * F32) as f64;
    let exact = points.iter().all(|p| p["c"] == p["c_formula"])
        && other == c_of_block(&NARROW, 64, F32, Attention::Flash, Recompute::None);
    let off = gradients(gpu, &placed)?;
    let c = |i: usize| points[i]["c"].as_f64().unwrap_or(f64::NAN);
    let condition = format!(
        "Above 16 in the proportions of Llama 2, where nothing is computed again; not in all: a layer of SmolLM2-135M, with few key heads and a \
         narrow feed-forward part, keeps C = {other:.4} with flash attention. Llama-2-7B's proportions: naive attention {:.4} at 64 tokens and {:.4} at 256, a/h = \
         {:.5} a token; flash attention {:.4} at both; only attention computed again {:.4}; all computed again {:.0}. Normalizations' \
         statistics are computed again, not kept. Korthikanti's count of GPT-3 gives {:.0}.",
        c(0),
        c(2),
        (c(2) - c(0)) / 192.0,
        c(3),
        c(6),
        c(9),
        korthikanti_c(2048, 12_288, 96, 2),
    );
    let sound = exact && off <= 1e-5;
    let verdict = if other > 16.0 { Verdict::True } else { Verdict::Conditional };
    let mut by_c = claim(9, sound, verdict, [16.0, c(3)], "C (flash attention)", condition);
    by_c.evidence = json!({
        "shape": SHAPE, "element_bytes": F32, "smollm2_135m_c": other, "points": points, "largest_distance_of_gradients_from_the_twin": off, "tolerance": 1e-5,
    });
    Ok(vec![by_c, variables(gpu, &placed)?])
}

/// Bytes of the class `activation`, without the output of the last block: what `layers` blocks keep.
fn kept(
    gpu: &Gpu,
    placed: &Placed,
    attention: Attention,
    recompute: Recompute,
    [layers, batch, tokens]: [u64; 3],
) -> Result<u64> {
    let shape = placed.0;
    let block = Block::new(gpu, shape, attention, recompute, tokens)?;
    let mut x = place(gpu, "activation/0.x", &values(batch * tokens * shape.hidden, 5))?;
    let mut kept = Vec::new();
    for layer in 0..layers {
        let (of_layer, y) = block.forward(gpu, &placed.parameters(), x, [batch, tokens], layer)?;
        kept.push(of_layer);
        x = y;
    }
    let all = gpu.ledger().by_class().get("activation").copied().unwrap_or(0);
    Ok(all - x.bytes())
}

/// The largest distance of a gradient from the twin's, as a share of the tensor's largest value; over all ways.
fn gradients(gpu: &Gpu, placed: &Placed) -> Result<f64> {
    const TOKENS: u64 = 48;
    let wide = |values: &[f32]| values.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
    let (x, dy) = (values(TOKENS * SHAPE.hidden, 5), values(TOKENS * SHAPE.hidden, 6));
    let twin = BlockTwin { shape: SHAPE, weights: weights(&SHAPE, 7).into_iter().map(|(name, w)| (name, wide(&w))).collect() };
    let (want, wants) = twin.backward(&twin.forward(&wide(&x), 1, TOKENS as usize), &wide(&dy));
    let to = Placed::new(gpu, SHAPE, true)?;
    let dy = place(gpu, "scratch/dy", &dy)?;
    let distance = |got: &[f32], want: &[f64]| {
        let size = want.iter().fold(f64::MIN_POSITIVE, |most, w| most.max(w.abs()));
        got.iter().zip(want).map(|(a, b)| (f64::from(*a) - b).abs() / size).fold(0.0, f64::max)
    };
    let mut off = 0.0_f64;
    for (attention, recompute) in WAYS {
        let block = Block::new(gpu, SHAPE, attention, recompute, TOKENS)?;
        let (kept, _) = block.forward(gpu, &placed.parameters(), place(gpu, "activation/0.x", &x)?, [1, TOKENS], 0)?;
        let dx = block.backward(gpu, &placed.parameters(), &kept, &dy, &to.parameters())?;
        off = off.max(distance(&read(gpu, &dx)?, &want));
        for (name, buffer) in &to.1 {
            off = off.max(distance(&read(gpu, buffer)?, &wants[name]));
        }
    }
    Ok(off)
}

/// l b s (A + B s): the coefficients, from two measurements, and whether they give all the others.
fn variables(gpu: &Gpu, placed: &Placed) -> Result<Claim> {
    let mut grid = Vec::new();
    for [layers, batch, tokens] in [[1, 1, 32], [1, 1, 64], [2, 1, 32], [1, 2, 32], [2, 2, 96], [3, 1, 64]] {
        grid.push(([layers, batch, tokens], kept(gpu, placed, Attention::Naive, Recompute::None, [layers, batch, tokens])?));
    }
    // The variables that are missing: with each of them changed alone the bytes change, by as much as derived.
    let mut changed = Vec::new();
    for (name, shape) in [
        ("key heads", BlockShape { kv_heads: 1, ..SHAPE }),
        ("width of a head", BlockShape { head_dim: 64, ..SHAPE }),
        ("width of the feed-forward part", BlockShape { ff: 512, ..SHAPE }),
        ("heads", BlockShape { heads: 4, ..SHAPE }),
        ("width", BlockShape { hidden: 192, ..SHAPE }),
    ] {
        let bytes = kept(gpu, &Placed::new(gpu, shape, false)?, Attention::Naive, Recompute::None, [1, 1, 32])?;
        let derived: u64 = shape.saved(1, 32, Attention::Naive, Recompute::None).iter().map(|saved| saved.bytes(F32)).sum();
        changed.push(json!({ "changed": name, "bytes": bytes, "derived": derived, "before": grid[0].1 }));
    }
    let matter = changed.iter().all(|c| c["bytes"] == c["derived"] && c["bytes"] != c["before"]);
    let per_token = |i: usize| grid[i].1 as f64 / grid[i].0.iter().product::<u64>() as f64;
    let b = (per_token(1) - per_token(0)) / 32.0;
    let a = per_token(0) - b * 32.0;
    let said = |[l, batch, s]: [u64; 3]| (l * batch * s) as f64 * (a + b * s as f64);
    let all = grid.iter().all(|(at, bytes)| said(*at) == *bytes as f64);
    let want = [16.0625 * (SHAPE.hidden * F32) as f64, (SHAPE.heads * F32) as f64];
    let condition = format!(
        "They are not all: key heads, the width of a head and that of the feed-forward part are missing, and each of them changes the bytes \
         measured (for the logits the vocabulary, too). Recovered from the grid: l b s ({a} + {b} s) bytes; derived: {} and {}.",
        want[0], want[1]
    );
    let sound = all && matter && [a, b] == want;
    let mut claim = claim(10, sound, Verdict::Conditional, [want[0], a], "bytes a token and layer", condition);
    let points: Vec<Value> =
        grid.iter().map(|([l, b, s], bytes)| json!({ "layers": l, "batch": b, "tokens": s, "bytes": bytes })).collect();
    claim.evidence = json!({ "grid": points, "constant": a, "slope_in_tokens": b, "other_widths": changed });
    Ok(claim)
}
