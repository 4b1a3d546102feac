//! What a sampler has room for, and the buffers that this takes.

use super::outcome::DETAIL_WORDS;
use super::plan::Chunks;
use super::program::{MOST_LISTED, PROGRAM_WORDS, Routes};
use super::tables::tables;
use crate::error::{Error, Result};
use crate::gpu::{BINDING, Buffer, Gpu, Window};

/// The largest vocabulary: weights of 45 bits are summed in 64.
pub const MOST_VOCAB: u64 = (1 << 19) - 1;
/// The most tokens that are remembered of a row: they are counted in floats.
pub const MOST_HISTORY: u32 = 1 << 24;
/// Prepared work that is kept, one for each buffer of logits that comes by.
pub(super) const MOST_PREPARED: usize = 4;
/// Words that are remembered of a row, before its tokens: the position (two words), tokens of the prompt, tokens in all.
pub(super) const MEMORY_WORDS: u64 = 4;
/// Words that a step finds out about a row.
pub(super) const STEP_WORDS: u64 = 12;

/// What a [`super::Sampler`] has room for. All of it is allocated when the sampler is made, under the class `sampling`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplerLayout {
    /// Rows of a batch at most.
    pub rows: u64,
    /// Tokens of the vocabulary: 1 to [`MOST_VOCAB`].
    pub vocab: u64,
    /// Draws without replacement from a row at most (`top_n`).
    pub draws: u32,
    /// Tokens that are remembered of a row, for penalties: up to [`MOST_HISTORY`]. [`super::Scope::Last`] needs so many,
    /// the other scopes all that are to be seen. 0: there are no penalties, and nothing is remembered.
    pub history: u32,
    /// Whether what is drawn is remembered. A runtime that writes [`super::Sampler::history`] itself says no.
    pub remembers: bool,
    /// Biases of a row at most.
    pub biases: u32,
    /// Whether rows may have masks of allowed tokens.
    pub masks: bool,
    /// The details of each draw ([`super::Detail`]), with so many of the best tokens, 0 to 256; `None`: no details.
    pub top: Option<u32>,
    /// Survivors of a row that are returned at most; 0: none.
    pub kept: u64,
    /// Which kernels may be used.
    pub routes: Routes,
}

impl SamplerLayout {
    /// Room for `[rows, vocab]` logits, one draw a row, without penalties, biases, masks or details.
    #[must_use]
    pub fn new(rows: u64, vocab: u64) -> Self {
        Self {
            rows,
            vocab,
            draws: 1,
            history: 0,
            remembers: true,
            biases: 0,
            masks: false,
            top: None,
            kept: 0,
            routes: Routes::default(),
        }
    }

    /// The buffers that such a sampler makes, by name and in their order, in bytes; no device is asked. A step's own parameters, one
    /// small buffer for each set of logits, are not among them.
    #[must_use]
    pub fn buffers(&self) -> Vec<(&'static str, u64)> {
        // What is not asked for is a few words, because something must be bound.
        let words = |words: u64, wanted: bool| if wanted { (self.rows * words * 4).max(16) } else { 16 };
        let chunks = Chunks::for_lists(self.places(), MOST_LISTED).count();
        let (touches, masks) = (self.touches(), self.mask_words());
        vec![
            ("powers", size_of_val(&tables().powers[..]) as u64),
            ("logarithms", size_of_val(&tables().logarithms[..]) as u64),
            ("programs", words(PROGRAM_WORDS, true)),
            // Behind the rows' own words how many are pending, and which.
            ("step", words(STEP_WORDS + 2, true)),
            ("raw_step", words(STEP_WORDS, self.top.is_some())),
            ("pending", 12),
            ("peaks", words(chunks * 2, true)),
            ("tokens", words(u64::from(self.draws) + 2, true)),
            ("history", words(MEMORY_WORDS + u64::from(self.history), true)),
            ("last_row", (self.vocab + 8) * 4),
            ("visible", words(masks + 1, touches)),
            ("touched", words(2 * self.touched(), touches)),
            ("seen", words(masks + 3 * self.touched(), touches)),
            ("biases", words(2 * u64::from(self.biases), self.biases > 0)),
            ("masks", words(masks, self.masks)),
            ("details", words(DETAIL_WORDS + 2 * u64::from(self.top.unwrap_or(0)), self.top.is_some())),
            ("kept", words(3 * self.kept, self.kept > 0)),
        ]
    }

    /// Whether tokens may be touched before the filters.
    pub(super) fn touches(&self) -> bool {
        self.history > 0 || self.biases > 0 || self.masks
    }

    /// Tokens of a row that may be touched at once, whole quads.
    pub(super) fn touched(&self) -> u64 {
        if self.touches() {
            (self.vocab.min(self.history.into()) + u64::from(self.biases)).next_multiple_of(4).max(4)
        } else {
            0
        }
    }

    /// Tokens of a row as kernels see it, the touched ones twice.
    pub(super) fn places(&self) -> u64 {
        self.vocab.next_multiple_of(4) + self.touched()
    }

    /// Words of a mask.
    pub(super) fn mask_words(&self) -> u64 {
        self.vocab.div_ceil(32)
    }

    fn check(&self) -> Result<()> {
        let sound = self.rows > 0
            && self.draws > 0
            && (1..=MOST_VOCAB).contains(&self.vocab)
            && self.history <= MOST_HISTORY
            && self.top.is_none_or(|top| top <= MOST_LISTED)
            && self.kept <= self.vocab
            && u64::from(self.biases) <= self.vocab;
        if sound {
            return Ok(());
        }
        Err(Error::Shape {
            what: "the sampler's layout".into(),
            want: format!(
                "a row and a draw at least, a vocabulary of 1 to {MOST_VOCAB}, no more biases or survivors than that, a history of \
                 {MOST_HISTORY} at most, a top of {MOST_LISTED} at most"
            ),
            got: format!("{self:?}"),
        })
    }
}

/// The sampler's buffers.
#[derive(Debug)]
pub(super) struct Buffers {
    powers: Buffer<u8>,
    logarithms: Buffer<u8>,
    pub programs: Buffer<u32>,
    pub step: Buffer<u32>,
    pub raw_step: Buffer<u32>,
    pub pending: Buffer<u32>,
    peaks: Buffer<u32>,
    pub tokens: Buffer<u32>,
    pub memory: Buffer<u32>,
    pub last_row: Buffer<u8>,
    visible: Buffer<u32>,
    extras: Buffer<u32>,
    seen: Buffer<u32>,
    pub biases: Buffer<u32>,
    pub masks: Buffer<u32>,
    pub details: Buffer<u32>,
    pub kept: Buffer<u32>,
}

impl Buffers {
    pub(super) fn new(gpu: &Gpu, layout: &SamplerLayout) -> Result<Self> {
        layout.check()?;
        let limit = gpu.limits().max_storage_buffer_binding_size;
        let sizes = layout.buffers();
        let room = |part: &str| {
            let bytes = sizes.iter().find(|(name, _)| *name == part).map_or(16, |(_, bytes)| *bytes);
            if bytes > limit {
                let what = format!("the sampler's {part} for {} rows", layout.rows);
                return Err(Error::TooLarge { what, asked: bytes, limit, limited_by: BINDING });
            }
            gpu.buffer::<u32>(&format!("sampling/{part}"), bytes / 4)
        };
        let buffers = Self {
            powers: gpu.constants("sampling/powers", bytemuck::cast_slice(&tables().powers))?,
            logarithms: gpu.constants("sampling/logarithms", bytemuck::cast_slice(&tables().logarithms))?,
            programs: room("programs")?,
            step: room("step")?,
            raw_step: room("raw_step")?,
            pending: gpu.counts("sampling/pending", 3)?,
            peaks: room("peaks")?,
            tokens: room("tokens")?,
            memory: room("history")?,
            last_row: gpu.buffer("sampling/last_row", (layout.vocab + 8) * 4)?,
            visible: room("visible")?,
            extras: room("touched")?,
            seen: room("seen")?,
            biases: room("biases")?,
            masks: room("masks")?,
            details: room("details")?,
            kept: room("kept")?,
        };
        // An indirect dispatch of so many workgroups a row; how many rows is filled in on the device.
        let slices = Chunks::for_races(layout.places()).slices as u32;
        gpu.write(&buffers.pending, 0, bytemuck::cast_slice(&[slices, 0, 1]));
        Ok(buffers)
    }

    /// Every buffer by the name that kernels call it by.
    pub(super) fn windows(&self) -> Vec<(&'static str, Window<'_>)> {
        vec![
            ("peaks", self.peaks.window()),
            ("programs", self.programs.window()),
            ("step", self.step.window()),
            ("raw_step", self.raw_step.window()),
            ("tokens", self.tokens.window()),
            ("memory", self.memory.window()),
            ("visible", self.visible.window()),
            ("extras", self.extras.window()),
            ("seen", self.seen.window()),
            ("biases", self.biases.window()),
            ("masks", self.masks.window()),
            ("details", self.details.window()),
            ("kept", self.kept.window()),
            ("powers", self.powers.window()),
            ("logarithms", self.logarithms.window()),
        ]
    }
}
