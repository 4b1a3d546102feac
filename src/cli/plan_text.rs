//! A plan, as text.

use super::plan::{Plan, Proved};
use super::table::{table, title, words};
use crate::units::{binary, decimal, grouped};

/// Characters in a line of prose.
const WIDTH: usize = 118;

pub(super) fn text(plan: &Plan) -> String {
    let positions = plan.positions.map_or(String::new(), |n| format!(", made for {} positions", grouped(n.into())));
    let mut out = format!(
        "model:  {} ({} parameters{positions})\nmemory: {} bytes, {}, {} ({})\n",
        plan.model,
        grouped(plan.parameters.into()),
        grouped(plan.memory_bytes.into()),
        decimal(plan.memory_bytes),
        binary(plan.memory_bytes),
        plan.memory_of
    );
    let beyond = plan.positions.is_some_and(|positions| plan.context > positions);
    let job = plan.optimizer.map_or("inference".to_owned(), |optimizer| format!("training with {}", optimizer.name()));
    out.push_str(&format!("job:    {job}, batch {}, context {}\n\n", plan.batch, plan.context));
    if beyond {
        out.push_str("note: this context is beyond the positions that the model was made for\n\n");
    }
    out.push_str(&fits(plan));
    out.push_str(&format!("\n{}", gpus(plan)));
    out.push_str(&format!("\n{}", peers(plan)));
    if let Some(proved) = &plan.proved {
        out.push_str(&format!("\n{}", carried_out(proved)));
    }
    if plan.fits.iter().all(|fit| fit.largest_batch == 0) {
        out.push_str("\nNothing fits, not even a batch of 1: nothing could be carried out.\n");
    }
    out
}

/// A row a precision, or a way to train: in decimal units, and below it in binary ones.
fn fits(plan: &Plan) -> String {
    let training = plan.optimizer.is_some();
    let parts: &[&str] = if training { &[">states", ">activations"] } else { &[">cache"] };
    let first = if training { "way" } else { "precision" };
    let last = [">buffers", ">blocks", ">reserved", "fits", ">most batch", ">most context"];
    let heading = [&[first, ">weights"], parts, &last].concat();
    let mut rows = vec![heading.into_iter().map(String::from).collect::<Vec<_>>()];
    for fit in &plan.fits {
        let parts = if training { vec![fit.states, fit.activations] } else { vec![fit.kv_cache] };
        let blocks = fit.reserved.saturating_sub(fit.requested);
        let bytes = [vec![fit.weights], parts, vec![fit.buffers, blocks, fit.reserved]].concat();
        let most = |n: u64| if n == 1 << 24 { "no end".to_owned() } else { grouped(n.into()) };
        let answers = [if fit.fits { "yes" } else { "no" }.to_owned(), most(fit.largest_batch), most(fit.largest_context)];
        let in_units = |unit: fn(u64) -> String| bytes.iter().copied().map(unit).collect::<Vec<_>>();
        rows.push([vec![fit.name.clone()], in_units(decimal), answers.to_vec()].concat());
        rows.push([vec![String::new()], in_units(binary)].concat());
    }
    let mut out = table(&rows);
    out.push_str("blocks: free in the allocator's blocks, staging, wgpu's own buffers\n");
    for (format, left) in &plan.unfilled {
        out.push_str(&format!("note: {format} leaves {left} matrices in BF16, because their rows do not fill its groups\n"));
    }
    out
}

fn gpus(plan: &Plan) -> String {
    let g = &plan.gpus;
    let shard = |found: Option<u64>, bytes: Option<u64>| match (found, bytes) {
        (Some(n), Some(bytes)) => format!("{n}, each with {} ({})", decimal(bytes), binary(bytes)),
        _ => "no number, because what each must hold by itself is more than its memory".into(),
    };
    let text = format!(
        "To train it with {} on GPUs of this memory, each with a batch of {} x {} tokens. The article's rule (18 x 1.25 bytes a parameter): \
         {:.2}, so {}. The same with this optimizer's bytes: {:.2}, so {}. By a shard counted exactly (ZeRO-3, flash attention), beside 97 MiB \
         for staging and blocks: {} where activations are kept; {} where all are computed again.",
        g.optimizer.name(),
        plan.batch,
        plan.context,
        g.rule,
        g.rule.ceil(),
        g.rule_of_optimizer,
        g.rule_of_optimizer.ceil(),
        shard(g.shard, g.shard_bytes),
        shard(g.recomputed, g.recomputed_bytes),
    );
    words("GPUs:   ", &text, WIDTH)
}

/// What other tools say, beside the row that was compared.
fn peers(plan: &Plan) -> String {
    let ours = match plan.optimizer {
        Some(_) => plan.gpus.shard_bytes.or(plan.gpus.recomputed_bytes),
        None => plan.fits.iter().find(|fit| fit.name == plan.compared).map(|fit| fit.reserved),
    };
    let mut rows = vec![["tool", ">says", ">", ">to our reserved", "formula"].map(String::from).to_vec()];
    for peer in &plan.peers {
        let off = ours.map_or("-".into(), |ours| format!("{:+.1} %", 100.0 * (peer.bytes as f64 / ours as f64 - 1.0) + 0.0));
        rows.push(vec![peer.name.into(), decimal(peer.bytes), binary(peer.bytes), off, peer.formula.into()]);
    }
    let mut out = title(&format!("what others say of {}: {}", plan.model, plan.compared));
    out.push_str(&table(&rows));
    for peer in &plan.peers {
        out.push_str(&words(&format!("{:<12}", peer.name), peer.errors, WIDTH));
    }
    out
}

fn carried_out(proved: &Proved) -> String {
    let placed = &proved.placed;
    let [predicted, found] = placed.requested;
    let mut out = title(&format!("carried out: {} with a batch of {}", proved.name, proved.batch));
    out.push_str(&format!("requested  predicted {}, found {}\n", grouped(predicted.into()), grouped(found.into())));
    if let Some([predicted, found]) = placed.reserved {
        out.push_str(&format!("reserved   predicted {}, found {}\n", grouped(predicted.into()), grouped(found.into())));
    }
    out.push_str("written    every buffer, by the device\n");
    if placed.layers > 0 {
        let layers = placed.layers;
        out.push_str(&format!(
            "run        a token of each sequence through {layers} layers, behind a full cache, and the head\n"
        ));
    }
    placed.not_run.iter().for_each(|what| out.push_str(&format!("not run    {what}\n")));
    if !placed.drawn.is_empty() {
        out.push_str(&format!("drawn      {} tokens by the sampler, one a sequence\n", placed.drawn.len()));
    }
    if placed.stepped > 0 {
        out.push_str(&format!("stepped    the optimizer, on each of {} tensors\n", placed.stepped));
    }
    out.push_str(&format!("at most    {} bytes on the ledger meanwhile\n", grouped(placed.peak.into())));
    let refused = if placed.refused { "refused" } else { "NOT REFUSED by the plan" };
    out.push_str(&format!("one more   {refused}: {}\nleft       {} bytes\n", placed.refusal, placed.left));
    out
}
