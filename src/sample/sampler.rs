//! The sampler on a device.

use super::layout::{Buffers, MEMORY_WORDS, MOST_PREPARED, SamplerLayout};
use super::logits::Logits;
use super::order::key;
use super::outcome::{DETAIL_WORDS, Drawn, read_detail, read_drawn};
use super::params::{SamplingParams, Scope};
use super::plan::Chunks;
use super::program::{Program, Route, compile};
use super::schedule::Schedule;
use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::{Buffer, Encoder, Gpu, Recording, Steps};

/// Draws tokens from logits on a device, a batch at a time. What it needs is allocated when it is made; a step allocates nothing.
///
/// Each row has its own [`SamplingParams`], position, history and mask. A row's token depends on its logits, parameters, history and
/// position alone: not on its place in the batch, its neighbours, the device, or how the work was split.
#[derive(Debug)]
pub struct Sampler {
    pub(super) gpu: Gpu,
    pub(super) layout: SamplerLayout,
    pub(super) buffers: Buffers,
    pub(super) programs: Vec<Program>,
    params: Vec<SamplingParams>,
    routes: Vec<Route>,
    // Tokens of each row's history at most: what was handed in, and a token for each step since.
    remembered: Vec<u64>,
    // What was set since the last step was planned: programs, and rows' biases.
    changed: bool,
    changed_biases: Vec<u64>,
    prepared: Vec<(Key, Steps)>,
    oldest: usize,
}

/// What prepared work was prepared for.
#[derive(Debug, PartialEq)]
struct Key {
    buffer: crate::gpu::Identity,
    element: Element,
    rows: u64,
    first: u64,
    stride: u64,
    remembers: bool,
}

impl Sampler {
    /// A sampler with the default parameters ([`SamplingParams::default`]) in every row.
    ///
    /// # Errors
    /// [`Error::Shape`] for a layout without rows or a vocabulary out of range; [`Error::TooLarge`] where a buffer does not fit a
    /// binding; as [`Gpu::buffer`].
    pub fn new(gpu: &Gpu, layout: SamplerLayout) -> Result<Self> {
        let buffers = Buffers::new(gpu, &layout)?;
        let rows = layout.rows as usize;
        let params = SamplingParams::default();
        let (program, route) = compile(&params, layout.routes);
        Ok(Self {
            gpu: gpu.clone(),
            programs: vec![program; rows],
            params: vec![params; rows],
            routes: vec![route; rows],
            remembered: vec![0; rows],
            layout,
            buffers,
            changed: true,
            changed_biases: vec![],
            prepared: vec![],
            oldest: 0,
        })
    }

    /// What it has room for.
    #[must_use]
    pub fn layout(&self) -> &SamplerLayout {
        &self.layout
    }

    /// Sets a row's parameters, from the next step on.
    ///
    /// # Errors
    /// [`Error::Parameter`], before anything reaches the device: a value out of range, or more than the layout has room for.
    pub fn set(&mut self, row: u64, params: &SamplingParams) -> Result<()> {
        self.check_row(row)?;
        params.check(row, self.layout.vocab)?;
        let wrong = |parameter: &'static str, value: String, range: &'static str| {
            Err(Error::Parameter { row, parameter, value, range })
        };
        if params.top_n > self.layout.draws {
            return wrong("top_n", params.top_n.to_string(), "at most the draws of the sampler's layout");
        }
        if params.bias.len() > self.layout.biases as usize {
            return wrong("bias", format!("{} tokens", params.bias.len()), "at most the biases of the sampler's layout");
        }
        if params.penalizes() && self.layout.history == 0 {
            return wrong("history", "0".into(), "above 0 in the sampler's layout, where there are penalties");
        }
        for scope in params.active_scopes() {
            if let Scope::Last(n) = scope
                && n > self.layout.history
            {
                return wrong("scope", format!("the last {n} tokens"), "within the history of the sampler's layout");
            }
        }
        let at = row as usize;
        let (mut program, route) = compile(params, self.layout.routes);
        program.masked = self.programs[at].masked;
        if self.routes[at] != route || Chunks::quads_for(self.programs[at].list_len) != Chunks::quads_for(program.list_len) {
            self.prepared.clear();
        }
        self.changed |= self.programs[at] != program;
        if self.params[at].bias != params.bias {
            self.changed_biases.push(row);
        }
        self.programs[at] = program;
        self.params[at] = params.clone();
        self.routes[at] = route;
        Ok(())
    }

    fn check_row(&self, row: u64) -> Result<()> {
        if row < self.layout.rows {
            return Ok(());
        }
        let range = "a row of the sampler's layout";
        Err(Error::Parameter { row, parameter: "row", value: row.to_string(), range })
    }

    /// Sets the parameters of all rows.
    ///
    /// # Errors
    /// As [`Sampler::set`].
    pub fn set_all(&mut self, params: &SamplingParams) -> Result<()> {
        (0..self.layout.rows).try_for_each(|row| self.set(row, params))
    }

    /// Sets the position of a row's next draw; each draw moves it on by one.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a row that is not of the layout.
    pub fn set_position(&mut self, row: u64, position: u64) -> Result<()> {
        self.check_row(row)?;
        self.gpu.write(&self.buffers.memory, self.memory_at(row), bytemuck::bytes_of(&position));
        Ok(())
    }

    /// Sets a row's history: the tokens of its prompt, and those that were generated so far. Penalties look at them.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a row or a token that is not there.
    pub fn set_history(&mut self, row: u64, prompt: &[u32], output: &[u32]) -> Result<()> {
        self.check_row(row)?;
        let tokens = [prompt, output].concat();
        if let Some(id) = tokens.iter().find(|id| u64::from(**id) >= self.layout.vocab) {
            let range = "token ids of the vocabulary";
            return Err(Error::Parameter { row, parameter: "history", value: format!("token {id}"), range });
        }
        let room = self.layout.history as usize;
        // The last ones, each where the ring has it.
        let mut words = vec![prompt.len() as u32, tokens.len() as u32];
        words.resize(2 + room, 0);
        for (i, id) in tokens.iter().enumerate().skip(tokens.len().saturating_sub(room)) {
            words[2 + i % room] = *id;
        }
        self.remembered[row as usize] = tokens.len() as u64;
        self.gpu.write(&self.buffers.memory, self.memory_at(row) + 8, bytemuck::cast_slice(&words));
        Ok(())
    }

    pub(super) fn memory_at(&self, row: u64) -> u64 {
        row * (MEMORY_WORDS + u64::from(self.layout.history)) * 4
    }

    /// Sets the tokens that a row may draw (token j is bit j & 31 of word j >> 5, xgrammar's layout; a missing word allows none), or
    /// lifts the mask.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a row that is not there, more words than the vocabulary has, or where the layout has no masks.
    pub fn set_mask(&mut self, row: u64, allowed: Option<&[u32]>) -> Result<()> {
        self.check_row(row)?;
        if !self.layout.masks {
            let range = "true in the sampler's layout";
            return Err(Error::Parameter { row, parameter: "masks", value: "false".into(), range });
        }
        let most = self.layout.mask_words();
        if let Some(words) = allowed.map(<[u32]>::len)
            && words as u64 > most
        {
            let range = "no more words than 32 tokens of the vocabulary each";
            return Err(Error::Parameter { row, parameter: "mask", value: format!("{words} words"), range });
        }
        let masked = u32::from(allowed.is_some());
        self.changed |= self.programs[row as usize].masked != masked;
        self.programs[row as usize].masked = masked;
        if let Some(allowed) = allowed {
            let mut words = allowed.to_vec();
            words.resize(most as usize, 0);
            self.gpu.write(&self.buffers.masks, row * most * 4, bytemuck::cast_slice(&words));
        }
        Ok(())
    }

    /// The masks, `[rows, vocab / 32 rounded up]` words: a runtime may write them on the device. They count for rows that
    /// [`Sampler::set_mask`] was told of.
    #[must_use]
    pub fn masks(&self) -> &Buffer<u32> {
        &self.buffers.masks
    }

    /// The histories, `[rows, 4 + history]` words: the position (low, high), the number of prompt tokens, of all tokens, then token i
    /// at i modulo the history's length. A runtime may write its own on the device ([`SamplerLayout::remembers`]).
    #[must_use]
    pub fn history(&self) -> &Buffer<u32> {
        &self.buffers.memory
    }

    /// The tokens of the last step: `[rows, draws]` words, then a status (ok 0, nan 1, inf 2, empty 3) and the number kept for each
    /// row. They stay on the device for the next layer of a runtime.
    #[must_use]
    pub fn tokens(&self) -> &Buffer<u32> {
        &self.buffers.tokens
    }

    /// The details of the last step, where the layout asks for them: `[rows, 4 + 2 top]` words: raw and processed log-probability (F32),
    /// rank, how many of the best follow; then ids and log-probabilities of these.
    #[must_use]
    pub fn details(&self) -> &Buffer<u32> {
        &self.buffers.details
    }

    /// The survivors of the last step, where the layout asks for them: for each row `kept` ids, `kept` logits (F32, after bias and
    /// penalties), `kept` log-probabilities (F32); ids rise, those of touched tokens stand at the end and rise again.
    #[must_use]
    pub fn survivors(&self) -> &Buffer<u32> {
        &self.buffers.kept
    }

    /// Draws from each row and waits: for people. 16 bytes a row come back at most, unless the layout asks for more.
    ///
    /// # Errors
    /// As [`Sampler::record`] and [`Recording::run`].
    pub fn sample(&mut self, logits: &Logits<'_>) -> Result<Vec<Drawn>> {
        self.drawn(logits, self.layout.remembers)
    }

    pub(super) fn drawn(&mut self, logits: &Logits<'_>, remembers: bool) -> Result<Vec<Drawn>> {
        let gpu = self.gpu.clone();
        let mut recording = gpu.record("sampling");
        recording.steps(self.prepare(logits, remembers)?);
        let b = &self.buffers;
        let downloads = [&b.tokens, &b.details, &b.kept].map(|buffer| recording.download(buffer, 0, buffer.bytes()));
        let mut completed = recording.run()?;
        let [tokens, details, kept] = downloads.map(|download| completed.take_words(download));
        let (rows, draws, room) = (self.layout.rows as usize, self.layout.draws as usize, self.layout.kept as usize);
        let row = |row: usize| {
            let mut drawn = read_drawn(&tokens, rows, draws, row, self.programs[row].draws as usize);
            if let Some(top) = self.layout.top {
                let len = DETAIL_WORDS as usize + 2 * top as usize;
                drawn.detail = read_detail(&drawn, &details[row * len..][..len]);
            }
            if room > 0 {
                let words = &kept[row * 3 * room..][..3 * room];
                let mut order: Vec<usize> = (0..room.min(drawn.kept as usize)).collect();
                order.sort_by_key(|i| (!key(f32::from_bits(words[room + i])), words[*i]));
                drawn.survivors = Some(order.into_iter().map(|i| (words[i], f32::from_bits(words[2 * room + i]))).collect());
            }
            drawn
        };
        Ok((0..logits.rows as usize).map(row).collect())
    }

    /// Records a step: no submit, no readback. The tokens will be in [`Sampler::tokens`]. Its work is prepared when logits first come
    /// by, and again when parameters change its kind.
    ///
    /// # Errors
    /// [`Error::Shape`] where the logits do not suit the layout, [`Error::TooLarge`] where a row does not fit a binding,
    /// [`Error::Parameter`] where a penalty looks at more tokens than the history holds; as [`Gpu::kernel`].
    pub fn record(&mut self, recording: &mut Recording<'_>, logits: &Logits<'_>) -> Result<()> {
        recording.steps(self.prepare(logits, self.layout.remembers)?);
        Ok(())
    }

    /// Records a step into a caller's own encoder. Parameters, positions, histories and masks that are set count from the next submit
    /// on, so set them after the submit of what was recorded before.
    ///
    /// # Errors
    /// As [`Sampler::record`].
    pub fn encode(&mut self, encoder: &mut Encoder<'_>, logits: &Logits<'_>) -> Result<()> {
        encoder.steps(self.prepare(logits, self.layout.remembers)?);
        Ok(())
    }

    /// Dispatches that a step on these logits takes, the indirect ones too.
    ///
    /// # Errors
    /// As [`Sampler::record`].
    pub fn dispatches(&mut self, logits: &Logits<'_>) -> Result<u32> {
        let at = self.prepared(logits, self.layout.remembers)?;
        Ok(self.prepared[at].1.dispatches())
    }

    fn prepare(&mut self, logits: &Logits<'_>, remembers: bool) -> Result<&Steps> {
        let at = self.prepared(logits, remembers)?;
        if remembers {
            self.remembered[..logits.rows as usize].iter_mut().for_each(|tokens| *tokens += 1);
        }
        Ok(&self.prepared[at].1)
    }

    /// Where the work of a step on these logits is, after whatever was set since the last one is on its way to the device.
    fn prepared(&mut self, logits: &Logits<'_>, remembers: bool) -> Result<usize> {
        if logits.vocab != self.layout.vocab || logits.rows > self.layout.rows || logits.rows == 0 {
            return Err(Error::Shape {
                what: "the logits".into(),
                want: format!("1 to {} rows of {}", self.layout.rows, self.layout.vocab),
                got: format!("{} rows of {}", logits.rows, logits.vocab),
            });
        }
        for row in 0..logits.rows as usize {
            let all = self.params[row].active_scopes().any(|scope| !matches!(scope, Scope::Last(_)));
            if all && self.remembered[row] > self.layout.history.into() {
                let (value, range) = (self.remembered[row].to_string(), "within the history of the sampler's layout");
                return Err(Error::Parameter { row: row as u64, parameter: "tokens remembered", value, range });
            }
        }
        let Logits { element, rows, first, stride, .. } = *logits;
        let key = Key { buffer: logits.buffer.identity(), element, rows, first, stride, remembers };
        if self.changed {
            self.gpu.write(&self.buffers.programs, 0, bytemuck::cast_slice(&self.programs));
            self.changed = false;
        }
        for row in std::mem::take(&mut self.changed_biases) {
            let bias = &self.params[row as usize].bias;
            let words: Vec<[u32; 2]> = bias.iter().map(|(id, bias)| [*id, bias.to_bits()]).collect();
            self.gpu.write(&self.buffers.biases, row * u64::from(self.layout.biases) * 8, bytemuck::cast_slice(&words));
        }
        if let Some(at) = self.prepared.iter().position(|(known, _)| *known == key) {
            return Ok(at);
        }
        let steps = self.schedule(remembers).plan(logits)?;
        // The oldest makes room.
        let at = if self.prepared.len() < MOST_PREPARED { self.prepared.len() } else { self.oldest };
        self.oldest = (at + 1) % MOST_PREPARED;
        if at < self.prepared.len() {
            self.prepared[at] = (key, steps)
        } else {
            self.prepared.push((key, steps))
        }
        Ok(at)
    }

    pub(super) fn schedule(&self, remembers: bool) -> Schedule<'_> {
        let Self { gpu, layout, buffers, programs, routes, .. } = self;
        Schedule { gpu, layout, buffers, programs, routes, remembers }
    }
}
