//! Filters rows and draws from them, on a device or by the twin.

use std::io::IsTerminal;

use rayon::prelude::*;

use super::Common;
use crate::error::Result;
use crate::footprint::Device;
use crate::format::Element;
use crate::gpu::Gpu;
use crate::sample::{Logits, Sampler, SamplerLayout, SamplingParams, Status, decide, penalize};

/// Draws of the twin between two signs of life.
const SHARE: u32 = 4096;

/// Rows of logits that lie in memory.
pub(super) struct Rows<'a> {
    pub bytes: &'a [u8],
    pub element: Element,
    pub vocab: u64,
    /// Those that are sampled from.
    pub numbers: Vec<u64>,
    /// Tokens that were seen, in each row.
    pub history: Vec<u32>,
    /// Whether the survivors are asked for, or only their number.
    pub lists: bool,
}

impl Rows<'_> {
    fn row(&self, number: u64) -> &[u8] {
        let len = (self.vocab * self.element.bytes()) as usize;
        &self.bytes[number as usize * len..][..len]
    }
}

/// What came of a row.
pub(super) struct Row {
    pub number: u64,
    pub status: Status,
    /// How many tokens survived.
    pub kept: u32,
    /// What survived, in order, with probabilities, where it was asked for.
    pub survivors: Vec<(u32, f64)>,
    pub tokens: Vec<u32>,
}

/// What came of all.
pub(super) struct Draws {
    pub adapter: String,
    /// The driver of a device; none where the twin did it.
    pub driver: Option<String>,
    pub software: bool,
    pub rows: Vec<Row>,
}

/// Draws `draws` tokens from each row, at positions 0, 1, 2 ...
pub(super) fn draw(common: &Common, device: &Device, rows: &Rows<'_>, params: &SamplingParams, draws: u32) -> Result<Draws> {
    let bar = bar(common, u64::from(draws) * rows.numbers.len() as u64);
    let drawn = match device {
        Device::Cpu => by_twin(rows, params, draws, &bar),
        Device::Gpu(options) => by_device(&Gpu::open(options)?, rows, params, draws, &bar),
    };
    bar.finish_and_clear();
    drawn
}

/// A bar where somebody sees it and it is worth while.
fn bar(common: &Common, total: u64) -> indicatif::ProgressBar {
    if common.quiet || total < 1000 || !std::io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let style = indicatif::ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} draws, {eta} left");
    indicatif::ProgressBar::new(total).with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()))
}

fn by_twin(rows: &Rows<'_>, params: &SamplingParams, draws: u32, bar: &indicatif::ProgressBar) -> Result<Draws> {
    let row = |number: &u64| {
        let raw = rows.element.widen(rows.row(*number));
        let decision = decide(&penalize(&raw, params, None, &[], &rows.history), params)?;
        let survivors = decision.survivors();
        let mut tokens = Vec::with_capacity(draws as usize);
        for first in (0..draws).step_by(SHARE as usize) {
            let share = first..draws.min(first.saturating_add(SHARE));
            bar.inc(share.len() as u64);
            let drawn: Vec<u32> = share.into_par_iter().map(|position| decision.draw(position.into())[0]).collect();
            tokens.extend(drawn);
        }
        let (status, kept) = (decision.status, decision.kept_count());
        Ok(Row { number: *number, status, kept, survivors: probabilities(&survivors), tokens })
    };
    let rows = rows.numbers.iter().map(row).collect::<Result<_>>()?;
    Ok(Draws { adapter: "cpu".into(), driver: None, software: true, rows })
}

fn by_device(gpu: &Gpu, rows: &Rows<'_>, params: &SamplingParams, draws: u32, bar: &indicatif::ProgressBar) -> Result<Draws> {
    let info = gpu.info();
    let mut drawn =
        Draws { adapter: info.name.clone(), driver: Some(info.driver.clone()), software: info.is_software(), rows: vec![] };
    // Few rows at a time: their survivors all come back, twelve bytes each.
    let at_once = (gpu.limits().max_storage_buffer_binding_size / (12 * rows.vocab.max(1))).clamp(1, 64) as usize;
    for numbers in rows.numbers.chunks(at_once) {
        let mut layout = SamplerLayout::new(numbers.len() as u64, rows.vocab);
        layout.kept = if rows.lists || draws > 1 { rows.vocab } else { 0 };
        layout.biases = params.bias.len() as u32;
        // A preset may look at 64.
        layout.history = if params.penalizes() { rows.history.len().max(64) as u32 + 1 } else { 0 };
        let mut sampler = Sampler::new(gpu, layout)?;
        sampler.set_all(params)?;
        if params.penalizes() {
            (0..numbers.len() as u64).try_for_each(|row| sampler.set_history(row, &[], &rows.history))?;
        }
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| rows.row(*number)).copied().collect();
        // Kernels load whole quads.
        let buffer = gpu.buffer::<u8>("logits/file", (bytes.len() as u64).next_multiple_of(16))?;
        let mut recording = gpu.record("logits");
        recording.upload(&buffer, 0, &bytes);
        recording.run()?;
        let logits = Logits::new(&buffer, rows.element, numbers.len() as u64, rows.vocab)?;
        let before = bar.position();
        let told = |done: u32| bar.set_position(before + u64::from(done) * numbers.len() as u64);
        let many = match draws {
            1 => sampler.sample(&logits)?.into_iter().map(|row| (row.clone(), row.tokens)).collect(),
            _ => sampler.draw_many(&logits, draws, told)?,
        };
        for (number, (row, tokens)) in numbers.iter().zip(many) {
            let survivors = probabilities(&row.survivors.unwrap_or_default());
            drawn.rows.push(Row { number: *number, status: row.status, kept: row.kept, survivors, tokens });
        }
    }
    Ok(drawn)
}

fn probabilities(survivors: &[(u32, f32)]) -> Vec<(u32, f64)> {
    survivors.iter().map(|(id, log)| (*id, f64::from(*log).exp())).collect()
}
