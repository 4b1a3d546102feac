//! The article's claims, each with a verdict that a measurement on the device in front of the user gives.
//!
//! The rows are those of the project's list of claims. What does not fit the device is measured by slope: 1, 2 and 4 layers, whose
//! differences must be the formula's to the byte. Nothing here is recited: a claim that is not measured says so.

mod activations;
mod blocks;
mod claim;
mod distributed;
mod gpus;
mod inference;
mod mine;
mod parameters;
mod sampling;
mod slope;
mod statements;
mod storage;
mod trade;
mod training;

pub use claim::{Claim, Proof, Verdict};
pub use mine::{MyClaim, MyVerdict, check_mine};

use serde_json::json;

use super::account::{Account, Observer};
use crate::error::Result;
use crate::gpu::{Gpu, GpuOptions, MemoryHint, calibrate, host_available};
use crate::io::Model;
use crate::train::{Hyper, Optimizer, Trained};

/// Real tensors that the claims are measured on.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// A transformer layer in F32.
    pub layer: &'a Model,
    /// Rows of logits in F32, the first tensor of the file.
    pub logits: &'a Model,
}

/// What the measurements share.
pub(super) struct Bench<'a> {
    pub gpu: Gpu,
    pub options: GpuOptions,
    pub inputs: Inputs<'a>,
    /// Bytes that may be placed at once.
    pub budget: u64,
}

/// One measurement: the claims that it settles.
type Measure = fn(&Bench<'_>) -> Result<Vec<Claim>>;

/// What is measured, and what it is called while it runs.
const MEASURES: [(&str, Measure); 9] = [
    ("parameters by class, from 1, 2 and 4 layers", parameters::measure),
    ("storage precisions on real tensors", storage::measure),
    ("13B in Int8 beside 7B in BF16", trade::measure),
    ("steps of every optimizer", training::measure),
    ("a decode step beside a training step", inference::measure),
    ("what a block keeps for its backward pass", activations::measure),
    ("one shard under the memory of one card", gpus::measure),
    ("distributed training", distributed::measure),
    ("sampling real logits", sampling::measure),
];

/// The most that is placed at once, however much there is: larger sums follow from slopes.
const MOST_PLACED: u64 = 16 << 30;

/// Measures every claim on a device. `progress` is told what is measured now, its number and how many there are.
///
/// A measurement that the device has no memory for leaves its claims `unmeasured`, with the reason.
///
/// # Errors
/// Where no device is found, or it is lost; [`crate::Error::Device`] where it rejects something.
pub fn prove(options: &GpuOptions, inputs: Inputs<'_>, progress: &mut dyn FnMut(&str, usize, usize)) -> Result<Proof> {
    let mut options = options.clone();
    options.memory = MemoryHint::MemoryUsage;
    let total = MEASURES.len() + 2;
    progress("the ledger from a formula to the driver", 0, total);
    // First, while the process is as small as it will be: later measurements move its memory.
    let account = account(&Gpu::open(&options)?)?;
    progress("witnesses against ballast", 1, total);
    let calibrations = calibrate(&Gpu::open(&options)?, ballast(&options), 4)?;
    let gpu = Gpu::open(&options)?;
    let budget = budget(&gpu, &options);
    let bench = Bench { gpu, options, inputs, budget };
    let mut claims = Vec::new();
    for (i, (name, measure)) in MEASURES.iter().enumerate() {
        progress(name, i + 2, total);
        match measure(&bench) {
            Ok(measured) => claims.extend(measured),
            Err(error) if error.is_out_of_memory() => claims.extend(without(name, &error.to_string())),
            Err(error) => return Err(error),
        }
        bench.gpu.trim();
        bench.gpu.quiesce()?;
    }
    progress("", total, total);
    claims.sort_by_key(|claim| claim.row);
    let info = bench.gpu.info();
    Ok(Proof {
        schema: 1,
        adapter: info.name.clone(),
        driver: info.driver.clone(),
        software: info.is_software(),
        memory_hints: MemoryHint::MemoryUsage.name(),
        claims,
        account,
        calibrations,
    })
}

/// The claims of a measurement for which there was no memory.
fn without(measure: &str, reason: &str) -> Vec<Claim> {
    let rows = |rows: &[u32]| rows.iter().map(|row| statements::unmeasured(*row, reason)).collect();
    match measure {
        name if name.starts_with("parameters") => rows(&[1, 2, 3]),
        name if name.starts_with("storage") => rows(&[4, 8]),
        name if name.starts_with("13B") => rows(&[5]),
        name if name.starts_with("steps") => rows(&[6]),
        name if name.starts_with("a decode") => rows(&[7]),
        name if name.starts_with("what a block") => rows(&[9, 10]),
        name if name.starts_with("one shard") => rows(&[11, 12]),
        name if name.starts_with("sampling") => rows(&[17]),
        _ => vec![],
    }
}

fn budget(gpu: &Gpu, options: &GpuOptions) -> u64 {
    let there = if gpu.info().is_software() { host_available() } else { gpu.memory_bytes() };
    let most = there.unwrap_or(MOST_PLACED) / 2;
    most.min(MOST_PLACED).min(options.memory_limit.unwrap_or(u64::MAX))
}

fn ballast(options: &GpuOptions) -> u64 {
    (64 << 20).min(options.memory_limit.unwrap_or(u64::MAX) / 8 / 4 * 4)
}

/// Weights, gradients and moments of a step of AdamW, and where each byte of them is.
fn account(gpu: &Gpu) -> Result<Account> {
    const PARAMETERS: u64 = 8 << 20;
    let observer = Observer::start(gpu)?;
    let values = vec![0.25_f32; PARAMETERS as usize];
    let mut trained = Trained::new(gpu, Optimizer::AdamwF32, "mlp", "up", &values)?;
    trained.set_gradients(gpu, &values)?;
    trained.step(gpu, &Hyper::default())?;
    drop(values);
    observer.account(&[("mlp", 4 * PARAMETERS), ("gradient", 4 * PARAMETERS), ("optimizer", 8 * PARAMETERS)])
}

/// A claim with what was measured; the words come from the list of claims.
fn claim(row: u32, verdict: Verdict, [expected, measured]: [f64; 2], unit: &'static str, condition: String) -> Claim {
    let words = statements::words(row);
    Claim {
        id: words.id,
        row,
        statement: words.statement,
        reading: words.reading,
        method: words.method,
        verdict,
        expected: Some(expected),
        measured: Some(measured),
        unit,
        condition,
        evidence: json!({}),
    }
}
