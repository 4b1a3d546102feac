//! `weighbridge plan`: what fits a memory, and what it takes where it does not.

use std::process::ExitCode;

use serde::Serialize;

use super::bytes::bytes;
use super::prove::{device, needs_a_device, with_steps};
use super::{Common, plan_text, print, print_json};
use crate::error::{Error, Result};
use crate::footprint::estimate::{
    Ground, MOST_TOKENS, Need, Peer, Question, Serving, Storing, learning_needs, peers, serving_needs,
};
use crate::footprint::shape::{Shape, TensorShape, open};
use crate::footprint::{Class, Fit, Gpus, Memory, Placed, Run, WAYS, carry_out, memory_of};
use crate::format::Format;
use crate::gpu::Gpu;
use crate::train::{OPTIMIZERS, Optimizer};

/// Buffers of a card that nobody has opened: what Vulkan drivers other than NVIDIA's allow at most.
const MAX_BUFFER: u64 = (1 << 31) - 1;

/// What of a model fits a memory: each precision, the largest batch and context, the number of GPUs for training, and what other
/// tools say.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Bytes are those of every buffer, in the blocks that wgpu's allocator takes (MemoryUsage), with its own buffers and 32 MiB of staging. A step
is of a token a sequence or of 512 tokens of a prompt, whichever is more; an encoder takes all its tokens at once. What a process and its
driver need beside that is not in it: `weighbridge prove --verbose` measures it (the intercept). In training there is no dropout.

  weighbridge plan llama-3-8b --gpu-memory 24GB --context 8192
  weighbridge plan llama-3-8b --gpu-memory 24GB --as int4:g32,q8_0 --keep embedding,head
  weighbridge plan llama-3-8b --gpu-memory 80GB --train adamw-mixed --context 2048
  weighbridge plan smollm2-135m --prove

Optimizers: adamw-f32, adamw-mixed, adamw-mixed-f32grad, adamw-bf16, adamw-8bit, sgd-momentum.
Exit status 1 where nothing fits, or what --prove placed is not what was predicted.")]
pub(super) struct PlanArgs {
    /// A file, a folder with a `config.json`, or a built-in name (`weighbridge plan x` lists them).
    model: String,
    /// The memory: bytes, or with a unit (24GB, 24564MiB) [default: that of this device].
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    gpu_memory: Option<u64>,
    /// Tokens of a sequence.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    context: u64,
    /// Sequences at once.
    #[arg(long, value_name = "N", default_value_t = 1)]
    batch: u64,
    /// Training with this optimizer instead of inference.
    #[arg(long, value_name = "OPTIMIZER")]
    train: Option<String>,
    /// The precisions, separated by commas [default: f32, bf16, int8, q8_0, int4, q4_0].
    #[arg(long = "as", value_name = "LIST", value_delimiter = ',', conflicts_with = "train")]
    formats: Vec<String>,
    /// Classes that stay in BF16, separated by commas: attention, mlp, weight, embedding, head, other.
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "train")]
    keep: Vec<String>,
    /// The format of the cache of keys and values.
    #[arg(long, value_name = "FORMAT", default_value = "bf16", conflicts_with = "train")]
    cache: String,
    /// Place the largest batch that is predicted to fit, at the first precision that fits, run it, and show that one more is refused. A decode step
    /// through all layers is run of models of Llama's kind, in any format (the cache in F32 or BF16); of others the sampler alone; in training a step
    /// of the optimizer.
    #[arg(long)]
    prove: bool,
}

/// What `plan` found.
#[derive(Debug, Serialize)]
pub(super) struct Plan {
    pub schema: u32,
    pub model: String,
    pub parameters: u64,
    pub positions: Option<u64>,
    /// Whose memory it is.
    pub memory_of: String,
    pub memory_bytes: u64,
    pub batch: u64,
    pub context: u64,
    pub optimizer: Option<Optimizer>,
    pub fits: Vec<Fit>,
    /// Precisions in which matrices stay in BF16 because their rows do not fill groups, and how many.
    pub unfilled: Vec<(String, usize)>,
    pub gpus: Gpus,
    /// The row that other tools are set beside, and what they say.
    pub compared: String,
    pub peers: Vec<Peer>,
    pub proved: Option<Proved>,
}

/// What was carried out.
#[derive(Debug, Serialize)]
pub(super) struct Proved {
    pub name: String,
    pub batch: u64,
    pub placed: Placed,
}

pub(super) fn run(common: &Common, args: &PlanArgs) -> Result<ExitCode> {
    let shape = open(&args.model)?;
    let tokens = args.batch.saturating_mul(args.context);
    if tokens == 0 || tokens > MOST_TOKENS || shape.layers.is_empty() {
        return Err(Error::Unsupported {
            what: "a plan".into(),
            need: format!(
                "a batch and a context of at least 1 and together at most {MOST_TOKENS} tokens, and a model whose layers are known (a \
                 config.json, a GGUF or a built-in name)"
            ),
            have: format!("batch {}, context {}, {} layers", args.batch, args.context, shape.layers.len()),
        });
    }
    let optimizer = args.train.as_deref().map(optimizer).transpose()?;
    let storings = storings(args)?;
    let (gpu, memory, memory_of) = memory(common, args)?;
    let size = [args.batch, args.context];
    let fits = match optimizer {
        Some(optimizer) => memory.learning(&shape, optimizer, size),
        None => memory.serving(&shape, &storings, &args.cache.parse()?, size),
    };
    let first = fits.iter().position(|fit| fit.largest_batch > 0);
    let gpus = memory.gpus(&shape, optimizer.unwrap_or(Optimizer::AdamwMixedF32Grad), size);
    let at = first.unwrap_or(fits.len() - 1);
    let (bits, sharers) = (
        bits(optimizer, &storings[at.min(storings.len() - 1)]),
        gpus.shard.or(gpus.recomputed).unwrap_or(gpus.rule.ceil() as u64).max(1),
    );
    let question = Question {
        shape: &shape,
        bits,
        batch: args.batch,
        tokens: args.context,
        training: optimizer,
        gpus: if optimizer.is_some() { sharers } else { 1 },
    };
    let proved = match (&gpu, first) {
        (Some(gpu), Some(at)) if args.prove => {
            let job = Row {
                shape: &shape,
                fit: &fits[at],
                at,
                storing: &storings[at.min(storings.len() - 1)],
                optimizer,
                context: args.context,
            };
            Some(with_steps(common, |progress| carried_out(gpu, &memory, args, &job, progress))?)
        }
        _ => None,
    };
    let plan = Plan {
        schema: 1,
        model: shape.name.clone(),
        parameters: shape.parameters(),
        positions: shape.positions,
        memory_of,
        memory_bytes: memory.bytes,
        batch: args.batch,
        context: args.context,
        optimizer,
        compared: if optimizer.is_some() { format!("on {sharers} GPUs, each") } else { fits[at].name.clone() },
        peers: peers(&question),
        fits,
        unfilled: if optimizer.is_none() { unfilled(&shape, &storings) } else { vec![] },
        gpus,
        proved,
    };
    if common.json {
        print_json(&plan)?;
    } else {
        print(&plan_text::text(&plan));
    }
    let sound = plan
        .proved
        .as_ref()
        .is_none_or(|p| p.placed.exact && p.placed.left == 0 && p.placed.refused && p.placed.peak <= plan.memory_bytes);
    Ok(ExitCode::from(u8::from(first.is_none() || !sound)))
}

fn optimizer(name: &str) -> Result<Optimizer> {
    Optimizer::named(name).ok_or_else(|| Error::UnknownName {
        kind: "optimizer",
        name: name.into(),
        known: OPTIMIZERS.map(Optimizer::name).join(", "),
    })
}

fn storings(args: &PlanArgs) -> Result<Vec<Storing>> {
    let keep = args.keep.iter().map(|name| name.trim().parse()).collect::<Result<Vec<Class>>>()?;
    let usual = ["f32", "bf16", "int8", "q8_0", "int4", "q4_0"].map(String::from).to_vec();
    let names = if args.formats.is_empty() { &usual } else { &args.formats };
    names.iter().map(|name| Ok(Storing::all(name.trim().parse::<Format>()?).keeping(&keep))).collect()
}

/// Matrices that a format would quantize if their rows filled its groups.
fn unfilled(shape: &Shape, storings: &[Storing]) -> Vec<(String, usize)> {
    let of = |storing: &Storing| {
        let left = |t: &&TensorShape| t.shape.len() > 1 && !storing.keep.contains(&t.class) && !storing.quantizes(t);
        (storing.format.to_string(), shape.tensors.iter().filter(left).count())
    };
    storings.iter().map(of).filter(|(_, left)| *left > 0).collect()
}

/// Bits of a weight, as other tools are asked.
fn bits(optimizer: Option<Optimizer>, storing: &Storing) -> u32 {
    let bits = optimizer.map_or(u64::from(storing.format.nominal_bits), |optimizer| 8 * optimizer.state(1).weights);
    [4, 8, 16, 32].into_iter().find(|known| u64::from(*known) >= bits).unwrap_or(32)
}

/// The memory that is planned with: a given one needs no device, unless the plan is to be carried out.
fn memory(common: &Common, args: &PlanArgs) -> Result<(Option<Gpu>, Memory, String)> {
    let named = common.adapter.as_deref().is_some_and(|name| name != "cpu");
    if let (Some(bytes), false) = (args.gpu_memory, args.prove || named) {
        let memory = Memory { bytes, max_buffer: MAX_BUFFER, ground: Ground::unknown() };
        return Ok((None, memory, "as given".into()));
    }
    let (gpu, memory) = memory_of(&device(common)?, args.gpu_memory).map_err(needs_a_device)?;
    let whose = if args.gpu_memory.is_some() { format!("as given, on {}", gpu.info().name) } else { gpu.info().name.clone() };
    Ok((Some(gpu), memory, whose))
}

/// A row of the plan that is carried out.
struct Row<'a> {
    shape: &'a Shape,
    fit: &'a Fit,
    /// Which row: of precisions, or of [`WAYS`].
    at: usize,
    storing: &'a Storing,
    optimizer: Option<Optimizer>,
    context: u64,
}

fn carried_out(
    gpu: &Gpu,
    memory: &Memory,
    args: &PlanArgs,
    row: &Row<'_>,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Proved> {
    let cache: Format = args.cache.parse()?;
    let needs = |batch: u64| -> Vec<Need> {
        match row.optimizer {
            None => {
                let job = Serving { storing: row.storing.clone(), cache, batch, context: row.context };
                serving_needs(row.shape, &job, memory.max_buffer)
            }
            Some(optimizer) => learning_needs(row.shape, &WAYS[row.at].job(optimizer, [batch, row.context]), memory.max_buffer),
        }
    };
    let batch = row.fit.largest_batch;
    let job = Serving { storing: row.storing.clone(), cache, batch, context: row.context };
    let run = row.optimizer.map_or(Run::Decode(row.shape, &job), |optimizer| Run::Step(optimizer, row.shape));
    let placed = carry_out(gpu, memory, &needs(batch), &needs(batch + 1), run, progress)?;
    Ok(Proved { name: row.fit.name.clone(), batch, placed })
}
