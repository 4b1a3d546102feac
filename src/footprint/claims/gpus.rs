//! Rows 11 and 12: how many GPUs, by the article's rule and by a shard that is allocated.

use serde_json::{Value, json};

use super::{Bench, Claim, Verdict, claim};
use crate::block::{Attention, Recompute};
use crate::error::{Error, Result};
use crate::footprint::estimate::{Job, Shard, fewest_gpus, heuristic_gpus, shard};
use crate::footprint::shape::{Shape, open};
use crate::gpu::{Buffer, Gpu, LIMIT};
use crate::train::{Hyper, Optimizer, Trained};
use crate::units::grouped;

/// An RTX 4090's 24,564 MiB, as NVIDIA's driver reports them.
const CARD: u64 = 24_564 << 20;
/// A shard in less would be small beside what a step needs on its way.
const LEAST: u64 = 128 << 20;
/// The optimizer that the article's 18 bytes are of.
const OPTIMIZER: Optimizer = Optimizer::AdamwMixedF32Grad;

pub(super) fn measure(bench: &Bench<'_>) -> Result<Vec<Claim>> {
    let llama = open("llama-3-8b")?;
    let job = |tokens, recompute| Job { optimizer: OPTIMIZER, batch: 1, tokens, attention: Attention::Flash, recompute };
    let jobs = [job(512, Recompute::None), job(2048, Recompute::None), job(8192, Recompute::Full)];
    let tries = jobs.iter().map(|job| try_out(bench, &llama, job)).collect::<Result<Vec<_>>>()?;
    let rule = |parameters: f64, card: f64| parameters * 18.0 * 1.25 / card;
    let said = heuristic_gpus(llama.parameters(), 18.0, 1.25, CARD);
    let number = |value: &Value| value.as_u64().map_or("none".into(), |n| n.to_string());
    let n = tries.iter().map(|t| number(&t["gpus"])).collect::<Vec<_>>();
    let sound = tries.iter().all(|t| t["fits"] == Value::Bool(true) && t["one_fewer_is_refused"] == Value::Bool(true));
    let without = fewest_gpus(&llama, &job(8192, Recompute::None), CARD).map_or("no number of them".into(), |n| n.to_string());
    let condition = format!(
        "Llama-3-8B on cards of 24,564 MiB: the rule says {said:.2}, so {}. By a shard counted exactly, {} with one sequence of 512 tokens on \
         each, {} with 2,048, {} with 8,192 if all activations are computed again, and {without} if none are. \
         Activations are each GPU's own: the rule's quarter does not grow with them. Each shard was allocated and stepped under the card's \
         limit, all sizes divided by {}, and that of one GPU fewer refused.",
        said.ceil(),
        n[0],
        n[1],
        n[2],
        tries[0]["divided_by"],
    );
    let measured = tries[1]["gpus"].as_f64().unwrap_or(f64::NAN);
    let agree = tries.iter().filter(|t| t["gpus"].as_f64() == Some(said.ceil())).count();
    let verdict = if agree == tries.len() { Verdict::True } else { Verdict::Conditional };
    let mut count = claim(11, sound, verdict, [said.ceil(), measured], "GPUs, counted", condition);
    count.evidence = json!({ "card_bytes": CARD, "rule": said, "tries": tries });
    let condition = format!(
        "7 x 18 x 1.25 / 24 = {:.4}, but no Llama-3 has 7 billion parameters. With {} the rule says {:.2} in decimal GB, {:.2} in the card's \
         own bytes: {}. Counted by the shard, {} with one sequence of 512 tokens on each and {} with 2,048. False for the model alone.",
        rule(7.0, 24.0),
        grouped(llama.parameters().into()),
        rule(llama.parameters() as f64 / 1e9, 24.0),
        said,
        said.ceil(),
        n[0],
        n[1]
    );
    let exists = llama.parameters().abs_diff(7_000_000_000) < 500_000_000;
    let verdict = if exists && said.ceil() == 7.0 { Verdict::True } else { Verdict::False };
    let mut card = claim(12, sound, verdict, [7.0, measured], "GPUs, counted", condition);
    card.evidence = json!({ "rule_for_7_billion": rule(7.0, 24.0), "rule": said, "tries": [tries[1]] });
    Ok(vec![count, card])
}

/// The fewest GPUs by search; their shard allocated and stepped under the card's memory, and that of one GPU fewer refused. Where the device
/// has less than the card, all is divided by a power of two.
fn try_out(bench: &Bench<'_>, shape: &Shape, job: &Job) -> Result<Value> {
    let Some(gpus) = fewest_gpus(shape, job, CARD) else {
        return Ok(json!({ "tokens": job.tokens, "gpus": null, "fits": false }));
    };
    // Steps on software take their time: an eighth of what may be placed, and a quarter of a gigabyte at most.
    let room = (bench.budget / 2).min(256 << 20);
    if room < LEAST {
        let limited_by = "half of what may be placed";
        return Err(Error::TooLarge {
            what: "a shard, divided by a power of two,".into(),
            asked: LEAST,
            limit: room,
            limited_by,
        });
    }
    let scale = CARD.div_ceil(room).next_power_of_two();
    let mut options = bench.options.clone();
    options.memory_limit = Some(CARD / scale);
    let gpu = Gpu::open(&options)?;
    let held = shard(shape, job, gpus);
    let fits = hold(&gpu, &held, scale, true).map(|bytes| (true, bytes));
    let (fits, bytes) = match fits {
        // Of the card's memory, which is the limit here; what the device itself lacks leaves the claim unmeasured.
        Err(Error::TooLarge { limited_by: LIMIT, .. }) => (false, 0),
        other => other?,
    };
    gpu.trim();
    gpu.quiesce()?;
    let refused = gpus == 1
        || match hold(&gpu, &shard(shape, job, gpus - 1), scale, false) {
            Err(Error::TooLarge { limited_by: LIMIT, .. }) => true,
            Err(other) => return Err(other),
            Ok(_) => false,
        };
    let left = gpu.ledger().live_bytes();
    Ok(json!({
        "tokens": job.tokens, "batch": job.batch, "recompute": job.recompute, "gpus": gpus, "shard": held, "shard_bytes": held.total(), "fits": fits,
        "one_fewer_is_refused": refused, "divided_by": scale, "bytes_on_the_ledger": bytes, "ledger_left_bytes": left,
    }))
}

/// Places a shard divided by `scale`: its states in training, which take a real step if asked to, and buffers for the rest.
fn hold(gpu: &Gpu, shard: &Shard, scale: u64, step: bool) -> Result<u64> {
    let part = |bytes: u64| bytes / scale / 16 * 16;
    let mut held: Vec<Buffer<u8>> = Vec::new();
    for (label, bytes) in [
        ("activation/shard", shard.activations),
        ("scratch/working", shard.working),
        ("logits/shard", shard.logits),
        ("scratch/gathered", shard.gathered),
    ] {
        let mut left = part(bytes);
        while left > 0 {
            let now = left.min(gpu.limits().max_buffer_size / 16 * 16);
            held.push(gpu.buffer(label, now)?);
            left -= now;
        }
    }
    let parameters = part(shard.states) / OPTIMIZER.state(1).total();
    if !step {
        let most = gpu.limits().max_buffer_size / 16 * 16;
        let mut left = part(shard.states);
        while left > 0 {
            let now = left.min(most);
            held.push(gpu.buffer("optimizer/shard", now)?);
            left -= now;
        }
        return Ok(gpu.ledger().live_bytes());
    }
    let mut trained = Trained::zeros(gpu, OPTIMIZER, "weight", "shard", parameters)?;
    let bytes = gpu.ledger().live_bytes();
    trained.step(gpu, &Hyper::default())?;
    Ok(bytes)
}
