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
use crate::gpu::{Calibration, Gpu, GpuOptions, MemoryHint, calibrate};
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

/// A measurement: what it is called while it runs, and the rows of the claims that it settles.
struct Measure {
    name: &'static str,
    rows: &'static [u32],
    run: fn(&Bench<'_>) -> Result<Vec<Claim>>,
}

const fn measure(name: &'static str, rows: &'static [u32], run: fn(&Bench<'_>) -> Result<Vec<Claim>>) -> Measure {
    Measure { name, rows, run }
}

const MEASURES: [Measure; 12] = [
    measure("parameters, from 1, 2 and 4 layers", &[1], parameters::counts),
    measure("a tensor before and after training", &[2], parameters::structure),
    measure("parameters by class", &[3], parameters::classes),
    measure("storage precisions on real tensors", &[4], storage::precisions),
    measure("7B at three precisions", &[8], storage::seven_billion),
    measure("13B in Int8 beside 7B in BF16", &[5], trade::measure),
    measure("steps of every optimizer", &[6], training::measure),
    measure("a decode step beside a training step", &[7], inference::measure),
    measure("what a block keeps for its backward pass", &[9, 10], activations::measure),
    measure("one shard under the memory of one card", &[11, 12], gpus::measure),
    measure("distributed training", &[13, 14, 15, 16], distributed::measure),
    measure("sampling real logits", &[17], sampling::measure),
];

/// A step of ballast.
const BALLAST: u64 = 64 << 20;
/// The most that is placed at once, however much there is: larger sums follow from slopes.
const MOST_PLACED: u64 = 16 << 30;

/// Measures every claim on a device. `progress` is told what is measured now, its number and how many there are.
///
/// A measurement that the device has no memory for leaves its claims `unmeasured`, with the reason.
///
/// # Errors
/// Where no device is found, or it is lost; [`crate::Error::Device`] where it rejects something.
pub fn prove(options: &GpuOptions, inputs: Inputs<'_>, progress: &mut dyn FnMut(&str, usize, usize)) -> Result<Proof> {
    let options = opening(options);
    let total = MEASURES.len() + 2;
    // First, while the process is as small as it will be: later measurements move its memory.
    progress("witnesses against ballast", 0, total);
    // Steps that are large beside a process's own comings and goings; where there is no room for them nothing is said of witnesses.
    let room = options.memory_limit.is_none_or(|limit| limit >= 5 * BALLAST);
    let calibrations = if room { memory_or(calibrate(&Gpu::open(&options)?, BALLAST, 4), |_| vec![])? } else { vec![] };
    progress("the ledger from a formula to the driver", 1, total);
    let account = memory_or(account(&Gpu::open(&options)?, &options, &calibrations), Account::unmeasured)?;
    let gpu = Gpu::open(&options)?;
    let budget = budget(&gpu, &options);
    let bench = Bench { gpu, options, inputs, budget };
    let mut claims = Vec::new();
    for (i, measure) in MEASURES.iter().enumerate() {
        progress(measure.name, i + 2, total);
        let without = |reason: String| {
            measure
                .rows
                .iter()
                .map(|row| statements::unmeasured(*row, &format!("There was no memory for it: {reason}.")))
                .collect()
        };
        claims.extend(memory_or((measure.run)(&bench), without)?);
        bench.gpu.trim();
        bench.gpu.quiesce()?;
    }
    progress("", total, total);
    claims.sort_by_key(|claim| claim.row);
    let info = bench.gpu.info();
    let left = bench.gpu.ledger().live_bytes();
    Ok(Proof {
        schema: 1,
        adapter: info.name.clone(),
        driver: info.driver.clone(),
        software: info.is_software(),
        memory_hints: MemoryHint::MemoryUsage.name(),
        claims,
        account,
        calibrations,
        left,
    })
}

/// What was measured, or what stands for it where there was no memory.
fn memory_or<T>(measured: Result<T>, without: impl FnOnce(String) -> T) -> Result<T> {
    match measured {
        Err(error) if error.is_out_of_memory() => Ok(without(error.to_string())),
        other => other,
    }
}

/// How devices are opened here: with small blocks, and buffers no larger than WebGPU guarantees, because drivers may allow larger ones and
/// then refuse the memory.
fn opening(options: &GpuOptions) -> GpuOptions {
    let mut options = options.clone();
    options.memory = MemoryHint::MemoryUsage;
    options.max_buffer_bytes = Some(options.max_buffer_bytes.unwrap_or(u64::MAX).min(256 << 20));
    options
}

fn budget(gpu: &Gpu, options: &GpuOptions) -> u64 {
    let most = gpu.available_bytes().unwrap_or(MOST_PLACED) / 2;
    most.min(MOST_PLACED).min(options.memory_limit.unwrap_or(u64::MAX))
}

/// Weights, gradients and moments of a step of AdamW, and where each byte of them is.
fn account(gpu: &Gpu, options: &GpuOptions, calibrations: &[Calibration]) -> Result<Account> {
    // Beside 32 MiB of staging and what uploads need on the way.
    let room = options.memory_limit.unwrap_or(u64::MAX).saturating_sub(40 << 20);
    let parameters = (room / 32).clamp(1 << 16, 8 << 20);
    let observer = Observer::start(gpu, calibrations)?;
    let values = vec![0.25_f32; parameters as usize];
    let mut trained = Trained::new(gpu, Optimizer::AdamwF32, "mlp", "up", &values)?;
    trained.set_gradients(gpu, &values)?;
    trained.step(gpu, &Hyper::default())?;
    drop(values);
    observer.account(&[("mlp", 4 * parameters), ("gradient", 4 * parameters), ("optimizer", 8 * parameters)])
}

/// A claim with what was measured; the words come from the list of claims. Where a check of our own failed, that is no verdict on the claim.
fn claim(
    row: u32,
    sound: bool,
    verdict: Verdict,
    [expected, measured]: [f64; 2],
    unit: &'static str,
    condition: String,
) -> Claim {
    let words = statements::words(row);
    let condition = if sound { condition } else { format!("No verdict, because a check of our own failed. {condition}") };
    Claim {
        id: words.id,
        row,
        statement: words.statement,
        reading: words.reading,
        method: words.method,
        verdict: if sound { verdict } else { Verdict::Unmeasured },
        sound,
        expected: Some(expected),
        measured: Some(measured),
        unit,
        condition,
        evidence: json!({}),
    }
}
