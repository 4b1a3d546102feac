//! A plan carried out: every buffer of it is placed and written on a device, and one step above it is refused.

use serde::Serialize;

use super::capacity::Memory;
use super::decoded::{Decoded, decode};
use super::estimate::{Ground, Need, Policy, STAGING, Serving, requested, state_needs};
use super::shape::Shape;
use crate::error::{Error, Result};
use crate::gpu::{Buffer, Gpu, GpuOptions, MemoryHint, Sight};
use crate::train::{Hyper, Optimizer, Trained};

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Placed {
    /// Bytes predicted and found on the ledger.
    pub requested: [u64; 2],
    /// Bytes predicted and found in the allocator's blocks; `None` where the backend does not tell.
    pub reserved: Option<[u64; 2]>,
    /// Whether both predictions hold to the byte.
    pub exact: bool,
    /// Layers that a token of each sequence went through there, at the last place of the context; 0 in training.
    pub layers: usize,
    /// What of a decode step did not run, and why; empty in training.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_run: Vec<String>,
    /// Tokens drawn by the sampler from the logits there, one a sequence; empty in training.
    pub drawn: Vec<u32>,
    /// Tensors on which the optimizer took a real step there; 0 in inference.
    pub stepped: usize,
    /// The most bytes on the ledger while it ran.
    pub peak: u64,
    /// What one step above was answered.
    pub refusal: String,
    /// Whether it was refused because of the memory planned with, and of nothing else.
    pub refused: bool,
    /// Bytes on the ledger when all was given back.
    pub left: u64,
}

/// What is carried out.
#[derive(Clone, Copy, Debug)]
pub enum Run<'a> {
    /// Inference: a decode step, where the block can run the model, and a step of the sampler.
    Decode(&'a Shape, &'a Serving),
    /// Training: a step of the optimizer on each tensor.
    Step(Optimizer, &'a Shape),
}

/// Opens a device for a plan, and says what is known of its memory. `bytes` instead of all that it has.
///
/// # Errors
/// As [`Gpu::open`]; [`Error::Unsupported`] where the device does not say how much memory it has and `bytes` is not given.
pub fn memory_of(options: &GpuOptions, bytes: Option<u64>) -> Result<(Gpu, Memory)> {
    let mut options = options.clone();
    options.memory = MemoryHint::MemoryUsage;
    let gpu = Gpu::open(&options)?;
    // Half of a software device's memory is left to the host.
    let share = if gpu.info().is_software() { 2 } else { 1 };
    let has = gpu.available_bytes().map(|bytes| bytes / share);
    let Some(bytes) = bytes.or(has) else {
        return Err(Error::Unsupported {
            what: format!("a plan for {}", gpu.info().name),
            need: "--gpu-memory BYTES, because this device does not say how much it has".into(),
            have: "none".into(),
        });
    };
    let probe = [gpu.requirement(1 << 20, Sight::Device), gpu.requirement(STAGING, Sight::Upload)];
    let ground = match (gpu.memory_types(), probe) {
        (Some(types), [Some(device), Some(upload)]) => Ground {
            policy: Policy::MEMORY_USAGE,
            types,
            of_buffers: [device.memory_type, upload.memory_type],
            alignment: device.alignment,
        },
        _ => Ground::unknown(),
    };
    let max_buffer = gpu.limits().max_buffer_size;
    Ok((gpu, Memory { bytes, max_buffer, ground }))
}

/// Places the buffers of `needs` on a device, has it write them, and runs what is to run there. Then does the same with `beyond`, which must
/// be refused. In training the buffers of states are those that real optimizers make.
///
/// # Errors
/// [`Error::TooLarge`] and [`Error::OutOfMemory`] where the plan itself does not fit.
pub fn carry_out(
    gpu: &Gpu,
    memory: &Memory,
    needs: &[Need],
    beyond: &[Need],
    run: Run<'_>,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Placed> {
    gpu.quiesce()?;
    gpu.check_memory("the plan", requested(needs, None))?;
    let mut held = place(gpu, memory, needs, run, progress)?;
    warm_staging(gpu, &held)?;
    gpu.quiesce()?;
    let staged = gpu.ledger().by_class().get("staging").copied().unwrap_or(0);
    let found = gpu.ledger().live_bytes() - staged;
    let predicted = requested(needs, None);
    let reserved = gpu.allocator().map(|a| [memory.reserved(needs), a.reserved]);
    gpu.ledger().reset_peak();
    let stepped = held.trained.len();
    for trained in &mut held.trained {
        trained.step(gpu, &Hyper::default())?;
    }
    let decoded = match run {
        Run::Decode(shape, job) => decode(gpu, held.buffers, shape, job)?,
        Run::Step(..) => {
            drop(held);
            Decoded::default()
        }
    };
    let peak = gpu.ledger().peak_bytes();
    gpu.trim();
    gpu.quiesce()?;
    let (refusal, refused) = match place(gpu, memory, beyond, run, progress) {
        Ok(_) => ("it was not refused".into(), false),
        Err(error) if error.is_out_of_memory() => {
            let by_plan = matches!(&error, Error::TooLarge { limited_by, .. } if *limited_by == PLANNED);
            (error.to_string(), by_plan)
        }
        Err(error) => return Err(error),
    };
    gpu.trim();
    gpu.quiesce()?;
    let left = gpu.ledger().live_bytes();
    let exact = predicted == found && reserved.is_none_or(|[a, b]| a == b);
    let Decoded { layers, not_run, drawn } = decoded;
    let requested = [predicted, found];
    Ok(Placed { requested, reserved, exact, layers, not_run, drawn, stepped, peak, refusal, refused, left })
}

/// What sets the limit of a plan.
const PLANNED: &str = "the memory planned with";

/// What a plan holds.
#[derive(Default)]
struct Held {
    buffers: Vec<Buffer<u8>>,
    trained: Vec<Trained>,
}

/// Allocates in order, and stops where the allocator's blocks are beyond the memory, or would be with what is still to come.
fn place(
    gpu: &Gpu,
    memory: &Memory,
    needs: &[Need],
    run: Run<'_>,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Held> {
    let beyond = |asked: u64| {
        let (what, limit) = ("the plan".into(), memory.bytes);
        if asked > limit { Err(Error::TooLarge { what, asked, limit, limited_by: PLANNED }) } else { Ok(()) }
    };
    let reserved = |gpu: &Gpu| gpu.allocator().map_or(0, |a| a.reserved);
    let mut held = Held::default();
    let mut rest = needs;
    if let Run::Step(optimizer, shape) = run {
        for (i, tensor) in shape.tensors.iter().enumerate() {
            progress(&tensor.name, i, shape.tensors.len());
            held.trained.push(Trained::zeros(gpu, optimizer, tensor.class.name(), &tensor.name, tensor.elements())?);
        }
        // They have made the buffers of states, which come first.
        rest = &needs[state_needs(shape, optimizer, memory.max_buffer).len()..];
    }
    for (i, need) in rest.iter().enumerate() {
        progress(&need.label, i, rest.len());
        for _ in 0..need.count {
            held.buffers.push(gpu.buffer::<u8>(&need.label, need.bytes)?);
        }
        beyond(reserved(gpu))?;
    }
    beyond(memory.reserved(needs))?;
    // Written by the device, so that the pages are there.
    for (i, buffer) in held.buffers.iter().enumerate() {
        progress(buffer.label(), i, held.buffers.len());
        let mut recording = gpu.record("the plan");
        recording.clear(buffer);
        recording.run()?;
    }
    Ok(held)
}

/// Uploads as much in one submit as a submit stages.
fn warm_staging(gpu: &Gpu, held: &Held) -> Result<()> {
    let Some(largest) = held.buffers.iter().max_by_key(|buffer| buffer.bytes()) else { return Ok(()) };
    let piece = vec![0_u8; largest.bytes().min(1 << 20) as usize];
    let mut recording = gpu.record("the plan's staging");
    (0..STAGING.div_ceil(piece.len() as u64)).for_each(|_| recording.upload(largest, 0, &piece));
    recording.run().map(drop)
}
