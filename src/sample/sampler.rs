//! The sampler on a device.

use std::sync::Arc;

use super::logits::Logits;
use super::outcome::{Drawn, Status};
use super::params::SamplingParams;
use super::plan::{Chunks, LANES, Order, SampleParams, Window, windows};
use super::program::{MOST_LISTED, PROGRAM_WORDS, Program, Route, Routes, compile};
use super::tables::tables;
use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::{Buffer, Encoder, Gpu, Kernel, Preparation, Recording, Steps};

/// The largest vocabulary: weights of 45 bits are summed in 64.
pub const MOST_VOCAB: u64 = (1 << 19) - 1;
/// Prepared work that is kept, one for each buffer of logits that comes by.
const MOST_PREPARED: usize = 4;

/// What a [`Sampler`] has room for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplerLayout {
    /// Rows of a batch at most.
    pub rows: u64,
    /// Tokens of the vocabulary: 1 to [`MOST_VOCAB`].
    pub vocab: u64,
    /// Draws without replacement from a row at most (`top_n`).
    pub draws: u32,
    /// Which kernels may be used.
    pub routes: Routes,
}

impl SamplerLayout {
    /// Room for `[rows, vocab]` logits, one draw a row.
    #[must_use]
    pub fn new(rows: u64, vocab: u64) -> Self {
        Self { rows, vocab, draws: 1, routes: Routes::default() }
    }
}

/// Draws tokens from logits on a device, a batch at a time. What it needs is allocated when it is made; a step allocates nothing.
#[derive(Debug)]
pub struct Sampler {
    gpu: Gpu,
    layout: SamplerLayout,
    buffers: Buffers,
    programs: Vec<Program>,
    routes: Vec<Route>,
    changed: bool,
    prepared: Vec<(Key, Steps)>,
    oldest: usize,
}

#[derive(Debug)]
struct Buffers {
    powers: Buffer<u8>,
    logarithms: Buffer<u8>,
    programs: Buffer<u32>,
    step: Buffer<u32>,
    pending: Buffer<u32>,
    peaks: Buffer<u32>,
    tokens: Buffer<u32>,
    memory: Buffer<u32>,
    last_row: Buffer<u8>,
}

/// What prepared work was prepared for.
#[derive(Debug, PartialEq)]
struct Key {
    buffer: crate::gpu::Identity,
    element: Element,
    rows: u64,
    first: u64,
    stride: u64,
}

/// Words that are remembered of a row, before its tokens.
const MEMORY_WORDS: u64 = 4;
/// Words that a step finds out about a row.
const STEP_WORDS: u64 = 8;

impl Sampler {
    /// A sampler with the default parameters ([`SamplingParams::default`]) in every row.
    ///
    /// # Errors
    /// [`Error::Shape`] for a layout without rows or a vocabulary out of range; as [`Gpu::buffer`] and [`Gpu::kernel`].
    pub fn new(gpu: &Gpu, layout: SamplerLayout) -> Result<Self> {
        if layout.rows == 0 || layout.vocab == 0 || layout.vocab > MOST_VOCAB || layout.draws == 0 {
            return Err(Error::Shape {
                what: "the sampler's layout".into(),
                want: format!("a row and a draw at least, and a vocabulary of 1 to {MOST_VOCAB}"),
                got: format!("{} rows of {}, {} draws", layout.rows, layout.vocab, layout.draws),
            });
        }
        let rows = layout.rows;
        let chunks = Chunks::for_lists(layout.vocab, MOST_LISTED).count();
        let buffers = Buffers {
            powers: gpu.constants("sampling/powers", bytemuck::cast_slice(&tables().powers))?,
            logarithms: gpu.constants("sampling/logarithms", bytemuck::cast_slice(&tables().logarithms))?,
            programs: gpu.buffer("sampling/programs", rows * (PROGRAM_WORDS + MOST_PREPARED as u64))?,
            step: gpu.buffer("sampling/step", rows * (STEP_WORDS + 1) + 1)?,
            pending: gpu.counts("sampling/pending", 3)?,
            peaks: gpu.buffer("sampling/peaks", rows * chunks * 2)?,
            tokens: gpu.buffer("sampling/tokens", rows * u64::from(layout.draws) + 2 * rows)?,
            memory: gpu.buffer("sampling/memory", rows * MEMORY_WORDS)?,
            last_row: gpu.buffer("sampling/last_row", (layout.vocab + 8) * 4)?,
        };
        // An indirect dispatch of so many workgroups a row; how many rows is filled in on the device.
        let slices = Chunks::for_races(layout.vocab).slices as u32;
        gpu.write(&buffers.pending, 0, bytemuck::cast_slice(&[slices, 0, 1]));
        let (program, route) = compile(&SamplingParams::default(), layout.routes);
        Ok(Self {
            gpu: gpu.clone(),
            programs: vec![program; rows as usize],
            routes: vec![route; rows as usize],
            layout,
            buffers,
            changed: true,
            prepared: vec![],
            oldest: 0,
        })
    }

    /// Sets a row's parameters, from the next step on.
    ///
    /// # Errors
    /// [`Error::Parameter`], before anything reaches the device.
    pub fn set(&mut self, row: u64, params: &SamplingParams) -> Result<()> {
        params.check(row, self.layout.vocab)?;
        if row >= self.layout.rows {
            let range = "a row of the sampler's layout";
            return Err(Error::Parameter { row, parameter: "row", value: row.to_string(), range });
        }
        if params.top_n > self.layout.draws {
            let range = "at most the draws of the sampler's layout";
            return Err(Error::Parameter { row, parameter: "top_n", value: params.top_n.to_string(), range });
        }
        let (program, route) = compile(params, self.layout.routes);
        let row = row as usize;
        if self.routes[row] != route || self.programs[row].list_len != program.list_len {
            self.prepared.clear();
        }
        self.changed |= self.programs[row] != program;
        self.programs[row] = program;
        self.routes[row] = route;
        Ok(())
    }

    /// Sets the parameters of all rows.
    ///
    /// # Errors
    /// As [`Sampler::set`].
    pub fn set_all(&mut self, params: &SamplingParams) -> Result<()> {
        (0..self.layout.rows).try_for_each(|row| self.set(row, params))
    }

    /// Sets the position of a row's next draw; each draw moves it on by one.
    pub fn set_position(&mut self, row: u64, position: u64) {
        self.gpu.write(&self.buffers.memory, row * MEMORY_WORDS * 4, bytemuck::bytes_of(&position));
    }

    /// The tokens of the last step: `[rows, draws]` words, then a status and the number kept for each row. They stay on the device for
    /// the next layer of a runtime.
    #[must_use]
    pub fn tokens(&self) -> &Buffer<u32> {
        &self.buffers.tokens
    }

    /// Draws from each row and waits: for people. At most 16 bytes a row come back.
    ///
    /// # Errors
    /// As [`Sampler::record`] and [`Recording::run`].
    pub fn sample(&mut self, logits: &Logits<'_>) -> Result<Vec<Drawn>> {
        let gpu = self.gpu.clone();
        let mut recording = gpu.record("sampling");
        self.record(&mut recording, logits)?;
        let tokens = &self.buffers.tokens;
        let download = recording.download(tokens, 0, tokens.bytes());
        let words = recording.run()?.take_words(download);
        let (rows, draws) = (self.layout.rows as usize, self.layout.draws as usize);
        let drawn = |row: usize| Drawn {
            tokens: words[row * draws..][..self.programs[row].draws as usize].to_vec(),
            status: Status::of_code(words[rows * draws + 2 * row]),
            kept: words[rows * draws + 2 * row + 1],
            detail: None,
        };
        Ok((0..logits.rows as usize).map(drawn).collect())
    }

    /// Records a step: no submit, no readback. The tokens will be in [`Sampler::tokens`].
    ///
    /// # Errors
    /// As [`Sampler::prepare`].
    pub fn record(&mut self, recording: &mut Recording<'_>, logits: &Logits<'_>) -> Result<()> {
        recording.steps(self.prepare(logits)?);
        Ok(())
    }

    /// Records a step into a caller's own encoder. Parameters that were set count from the next submit on, so set them after the
    /// submit of what was recorded before.
    ///
    /// # Errors
    /// As [`Sampler::prepare`].
    pub fn encode(&mut self, encoder: &mut Encoder<'_>, logits: &Logits<'_>) -> Result<()> {
        encoder.steps(self.prepare(logits)?);
        Ok(())
    }

    /// The work of a step on these logits, which is prepared when they first come by, and again when parameters change its kind.
    ///
    /// # Errors
    /// [`Error::Shape`] where the logits do not suit the layout, [`Error::TooLarge`] where a row does not fit a binding; as
    /// [`Gpu::kernel`].
    pub fn prepare(&mut self, logits: &Logits<'_>) -> Result<&Steps> {
        if logits.vocab != self.layout.vocab || logits.rows > self.layout.rows || logits.rows == 0 {
            return Err(Error::Shape {
                what: "the logits".into(),
                want: format!("1 to {} rows of {}", self.layout.rows, self.layout.vocab),
                got: format!("{} rows of {}", logits.rows, logits.vocab),
            });
        }
        let Logits { element, rows, first, stride, .. } = *logits;
        let key = Key { buffer: logits.buffer.identity(), element, rows, first, stride };
        if self.changed {
            self.gpu.write(&self.buffers.programs, 0, bytemuck::cast_slice(&self.programs));
            self.changed = false;
        }
        let at = match self.prepared.iter().position(|(known, _)| *known == key) {
            Some(at) => at,
            None => {
                // The oldest makes room.
                let at = if self.prepared.len() < MOST_PREPARED { self.prepared.len() } else { self.oldest };
                let steps = self.plan(logits, at as u64)?;
                self.oldest = (at + 1) % MOST_PREPARED;
                self.prepared.truncate(MOST_PREPARED);
                if at < self.prepared.len() {
                    self.prepared[at] = (key, steps)
                } else {
                    self.prepared.push((key, steps))
                }
                at
            }
        };
        Ok(&self.prepared[at].1)
    }

    fn plan(&self, logits: &Logits<'_>, slot: u64) -> Result<Steps> {
        let rows = self.layout.rows;
        let mut preparation = self.gpu.prepare("sampling");
        let listed = (0..logits.rows as usize).filter(|row| matches!(self.routes[*row], Route::List { .. }));
        let longest = listed.map(|row| self.programs[row].list_len).max().unwrap_or(1);
        let list_at = rows * (PROGRAM_WORDS + slot);
        let mut row_list = Vec::new();
        preparation.clear(&self.buffers.step, 0, (rows * STEP_WORDS + 1) * 4);
        for (i, window) in windows(&self.gpu, logits)?.into_iter().enumerate() {
            let order = Order::of(window.rows.0..window.rows.0 + window.rows.1, &self.routes);
            if i > 0 && order.open {
                preparation.clear(&self.buffers.step, rows * STEP_WORDS * 4, 4);
            }
            self.plan_window(&mut preparation, logits, &window, &order, longest, list_at + row_list.len() as u64)?;
            row_list.extend_from_slice(&order.rows);
        }
        self.gpu.write(&self.buffers.programs, list_at * 4, bytemuck::cast_slice(&row_list));
        preparation.finish()
    }

    fn plan_window(
        &self,
        preparation: &mut Preparation<'_>,
        logits: &Logits<'_>,
        window: &Window,
        order: &Order,
        longest: u32,
        list_first: u64,
    ) -> Result<()> {
        let b = &self.buffers;
        let source = if window.copied {
            let (begin, end) = window.bytes;
            preparation.copy(logits.buffer, begin, &b.last_row, 0, end - begin);
            b.last_row.window()
        } else {
            logits.buffer.part(window.bytes.0..window.bytes.1)
        };
        let all = [
            ("source", source),
            ("peaks", b.peaks.window()),
            ("programs", b.programs.window()),
            ("step", b.step.window()),
            ("tokens", b.tokens.window()),
            ("memory", b.memory.window()),
            ("powers", b.powers.window()),
            ("logarithms", b.logarithms.window()),
        ];
        let rows = self.layout.rows;
        let params = |chunks: Chunks, list_first: u64, row_count: u64, slices: u64| SampleParams {
            vocab: self.layout.vocab as u32,
            rows: rows as u32,
            row_first: window.rows.0 as u32,
            element_first: window.element as u32,
            stride: logits.stride as u32,
            row_count: row_count as u32,
            list_first: list_first as u32,
            slices: slices as u32,
            chunk_quads: chunks.quads as u32,
            chunks: chunks.count() as u32,
            memory_words: MEMORY_WORDS as u32,
            draws: self.layout.draws,
            ..SampleParams::new()
        };
        let [noisy, whole, heavy, light] = order.counts;
        let (whole_first, list_first, noisy_first) = (list_first + noisy, list_first + noisy + whole, list_first);
        let lists = Chunks::for_lists(self.layout.vocab, longest);
        let races = Chunks::for_races(self.layout.vocab);
        let kernel = |name: &str| self.kernel(name, logits.element);
        let mut run = |name: &str, chunks: Chunks, first: u64, count: u64, slices: u64| -> Result<()> {
            if count == 0 {
                return Ok(());
            }
            let kernel = kernel(name)?;
            preparation.dispatch(&kernel, &params(chunks, first, count, slices), &kernel.pick(&all), count * slices)
        };
        // Lists first: the races use the place of their peaks.
        run("peaks", lists, whole_first, whole + heavy + light, lists.slices)?;
        run("estimate", lists, list_first, heavy, lists.slices)?;
        run("decide", lists, list_first, heavy + light, 1)?;
        run("whole", races, whole_first, whole, 1)?;
        run("noisy", races, noisy_first, noisy + whole, races.slices)?;
        run("winner", races, noisy_first, noisy + whole, 1)?;
        if order.open {
            preparation.copy(&b.step, rows * STEP_WORDS * 4, &b.pending, 4, 4);
            for name in ["whole", "noisy", "winner"] {
                let kernel = kernel(name)?;
                let pending = SampleParams { pending: 1, ..params(races, 0, rows, races.slices) };
                preparation.dispatch_indirect(&kernel, &pending, &kernel.pick(&all), &b.pending)?;
            }
        }
        Ok(())
    }

    fn kernel(&self, name: &str, element: Element) -> Result<Arc<Kernel>> {
        let variant = Variant { subgroups: self.gpu.has_subgroups() };
        self.gpu.kernel::<SampleParams>(&format!("sample/{name}"), &variant.slots(name, element))
    }
}

/// What a device offers beyond what is required; the results are the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    pub subgroups: bool,
}

impl Variant {
    /// What fills a kernel's slots.
    pub(super) fn slots(self, name: &str, element: Element) -> Vec<(&'static str, &'static str)> {
        let mut slots = vec![("source", element.wgsl())];
        if self.subgroups && name == "decide" {
            slots.push(("sample/tally", "sample/tally_subgroup"));
        }
        slots
    }
}

const _: () = assert!(LANES == 64);
