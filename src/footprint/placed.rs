//! A plan carried out: every buffer of it is placed and written on a device, and one step above it is refused.

use serde::Serialize;

use super::capacity::Memory;
use super::estimate::{Need, Policy, STAGING, requested};
use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::{Buffer, Gpu, GpuOptions, MemoryHint, Sight};
use crate::sample::{Logits, Sampler, SamplerLayout};

use super::estimate::Ground;

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
    /// Tokens drawn by the sampler there, one a sequence; empty in training.
    pub drawn: Vec<u32>,
    /// How one step above was refused.
    pub refusal: String,
    /// Bytes on the ledger when all was given back.
    pub left: u64,
}

/// Opens a device for a plan, and says what is known of its memory. `bytes` instead of all that it has.
///
/// # Errors
/// As [`Gpu::open`]; [`Error::Unsupported`] where the device does not say how much memory it has and `bytes` is not given.
pub fn memory_of(options: &GpuOptions, bytes: Option<u64>) -> Result<(Gpu, Memory)> {
    let mut options = options.clone();
    options.memory = MemoryHint::MemoryUsage;
    let gpu = Gpu::open(&options)?;
    let has = if gpu.info().is_software() {
        crate::gpu::host_available().map(|b| b.saturating_sub(256 << 20))
    } else {
        gpu.memory_bytes()
    };
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

/// Places the buffers of `needs` on a device and has it write them; where there are logits, draws a token from each of `rows` rows
/// of them. Then does the same with `beyond`, which must not fit.
///
/// # Errors
/// [`Error::TooLarge`] and [`Error::OutOfMemory`] where the plan itself does not fit.
pub fn carry_out(
    gpu: &Gpu,
    memory: &Memory,
    needs: &[Need],
    beyond: &[Need],
    [rows, vocab]: [u64; 2],
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Placed> {
    gpu.quiesce()?;
    gpu.check_memory("the plan", requested(needs, None))?;
    let held = place(gpu, memory, needs, progress)?;
    warm_staging(gpu, &held)?;
    gpu.quiesce()?;
    let staged = gpu.ledger().by_class().get("staging").copied().unwrap_or(0);
    let found = gpu.ledger().live_bytes() - staged;
    let predicted = requested(needs, None);
    let reserved = gpu.allocator().map(|a| [memory.reserved(needs), a.reserved]);
    let drawn = draw(gpu, held, [rows, vocab])?;
    gpu.trim();
    gpu.quiesce()?;
    let refusal = match place(gpu, memory, beyond, progress) {
        Ok(held) => {
            drop(held);
            "it was not refused".into()
        }
        Err(error) if error.is_out_of_memory() => error.to_string(),
        Err(error) => return Err(error),
    };
    gpu.trim();
    gpu.quiesce()?;
    let left = gpu.ledger().live_bytes();
    let exact = predicted == found && reserved.is_none_or(|[a, b]| a == b);
    Ok(Placed { requested: [predicted, found], reserved, exact, drawn, refusal, left })
}

/// Allocates in order, and stops where the allocator's blocks, with the staging to come, are beyond the memory.
fn place(gpu: &Gpu, memory: &Memory, needs: &[Need], progress: &mut dyn FnMut(&str, usize, usize)) -> Result<Vec<Buffer<u8>>> {
    let mut held = Vec::new();
    for (i, (label, bytes)) in needs.iter().enumerate() {
        progress(label, i, needs.len());
        held.push(gpu.buffer::<u8>(label, *bytes)?);
    }
    let reserved = memory.reserved(needs);
    let asked = gpu.allocator().map_or(reserved, |a| a.reserved.max(reserved));
    if asked > memory.bytes {
        let limited_by = "the memory planned with";
        return Err(Error::TooLarge { what: "the plan".into(), asked, limit: memory.bytes, limited_by });
    }
    // Written by the device, so that the pages are there.
    for (i, buffer) in held.iter().enumerate() {
        progress(buffer.label(), i, held.len());
        let mut recording = gpu.record("the plan");
        recording.clear(buffer);
        recording.run()?;
    }
    Ok(held)
}

/// Uploads as much in one submit as a submit stages.
fn warm_staging(gpu: &Gpu, held: &[Buffer<u8>]) -> Result<()> {
    let Some(largest) = held.iter().max_by_key(|buffer| buffer.bytes()) else { return Ok(()) };
    let piece = vec![0_u8; largest.bytes().min(1 << 20) as usize];
    let mut recording = gpu.record("the plan's staging");
    (0..STAGING.div_ceil(piece.len() as u64)).for_each(|_| recording.upload(largest, 0, &piece));
    recording.run().map(drop)
}

/// A step of the sampler on the plan's logits, in the place of the buffers that stood for its own.
fn draw(gpu: &Gpu, mut held: Vec<Buffer<u8>>, [rows, vocab]: [u64; 2]) -> Result<Vec<u32>> {
    held.retain(|buffer| !buffer.label().starts_with("sampling/"));
    gpu.quiesce()?;
    let Some(logits) = held.iter().find(|buffer| buffer.label() == "logits/step") else { return Ok(vec![]) };
    if logits.bytes() < rows * vocab * 4 {
        // Cut into several buffers: a sampler takes one.
        return Ok(vec![]);
    }
    let mut sampler = Sampler::new(gpu, SamplerLayout::new(rows, vocab))?;
    let drawn = sampler.sample(&Logits::new(logits, Element::F32, rows, vocab)?)?;
    Ok(drawn.iter().filter_map(|row| row.tokens.first().copied()).collect())
}
