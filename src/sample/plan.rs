//! How a batch is cut up: rows into windows, windows into kinds of rows, rows into chunks.

use super::program::Route;
use crate::error::{Error, Result};
use crate::gpu::{BINDING, Gpu};

use super::fixed::Scale;
use super::logits::Logits;

crate::params!(
    /// `struct Params` of `sample/params.wgsl`.
    SampleParams {
        vocab, rows, row_first, element_first, stride, row_count, list_first, pending, slices, chunk_quads, chunks, memory_words, draws,
        remembers, visible_words, seen_words, extra_words, bias_room, raw, raw_unit, raw_low, raw_high, top, kept_room, throw_first,
        throw_count, throws_room, two, four, ten, key_bits, depth_bits, cut_steps, scan_steps, bins_a_lane, most_passes,
    }
);

impl SampleParams {
    /// With the trip counts that compilers must not know.
    pub(super) fn new() -> Self {
        let raw = Scale::of(1.0);
        Self {
            raw_unit: raw.unit as u32,
            raw_low: raw.factor as u32,
            raw_high: (raw.factor >> 32) as u32,
            two: 2,
            four: 4,
            ten: 10,
            key_bits: 32,
            depth_bits: 38,
            cut_steps: 26,
            scan_steps: 6,
            bins_a_lane: 16,
            most_passes: 100,
            ..Self::default()
        }
    }
}

/// Rows of a window at most: `array<vec4<u32>, 1024>` of `sample/program.wgsl`, as large as a uniform may be everywhere.
pub(super) const MOST_ROWS: u64 = 4096;
/// Invocations of a workgroup of every kernel here.
pub(super) const LANES: u64 = 64;

/// How a row is cut into chunks, each an invocation's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    /// Quads of a chunk; a power of two.
    pub quads: u64,
    /// Workgroups a row.
    pub slices: u64,
}

impl Chunks {
    /// Chunks for lists of so many. A row must have more chunks than that to be worth it; small ones keep the chunks that are
    /// looked through again few in elements.
    pub(super) fn for_lists(vocab: u64, list_len: u32) -> Self {
        let quads = Self::quads_for(list_len);
        Self { quads, slices: vocab.div_ceil(4).div_ceil(LANES * quads) }
    }

    pub(super) fn quads_for(list_len: u32) -> u64 {
        if list_len <= 64 { 32 } else { 16 }
    }

    /// Chunks that are raced over.
    pub(super) fn for_races(vocab: u64) -> Self {
        Self::for_lists(vocab, 1)
    }

    /// Chunks of a row.
    pub(super) fn count(self) -> u64 {
        self.slices * LANES
    }
}

/// Rows whose logits one binding holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// The first row, and how many.
    pub rows: (u64, u64),
    /// Where the binding begins and ends in the buffer, in bytes.
    pub bytes: (u64, u64),
    /// The element of the binding where the first row begins.
    pub element: u64,
    /// Whether the rows are read from a copy, because the buffer ends within a quad.
    pub copied: bool,
}

/// Windows over all rows. The kernels load quads, so a last row that ends within the buffer's last quad is read from a copy.
pub(super) fn windows(gpu: &Gpu, logits: &Logits<'_>) -> Result<Vec<Window>> {
    let size = logits.element.bytes();
    let align = gpu.limits().min_storage_buffer_offset_alignment;
    let limit = gpu.limits().max_storage_buffer_binding_size;
    let quad = 4 * size;
    let most_rows = MOST_ROWS.min(gpu.limits().max_compute_workgroups_per_dimension);
    let row_at = |row: u64| (logits.first + row * logits.stride) * size;
    let mut windows = Vec::new();
    let mut row = 0;
    while row < logits.rows {
        let begin = row_at(row) / align * align;
        let fits = |last: u64| (row_at(last) + logits.vocab * size).next_multiple_of(quad) - begin <= limit;
        if !fits(row) {
            let what = format!("a row of {} logits", logits.vocab);
            return Err(Error::TooLarge { what, asked: logits.vocab * size, limit, limited_by: BINDING });
        }
        // As many rows as fit, by bisection of what is left.
        let (mut last, mut beyond) = (row, logits.rows.min(row + most_rows));
        while beyond - last > 1 {
            let middle = last + (beyond - last) / 2;
            if fits(middle) { last = middle } else { beyond = middle }
        }
        let whole = |last: u64| (row_at(last) + logits.vocab * size).next_multiple_of(quad) <= logits.buffer.bytes();
        while last > row && !whole(last) {
            last -= 1;
        }
        let copied = !whole(last);
        let end = (row_at(last) + logits.vocab * size).next_multiple_of(quad);
        let window = match copied {
            false => Window { rows: (row, last - row + 1), bytes: (begin, end), element: (row_at(row) - begin) / size, copied },
            // Copies move whole words.
            true => {
                let begin = row_at(row) / 4 * 4;
                let end = (row_at(row) + logits.vocab * size).next_multiple_of(4);
                Window { rows: (row, 1), bytes: (begin, end), element: (row_at(row) - begin) / size, copied }
            }
        };
        windows.push(window);
        row = last + 1;
    }
    Ok(windows)
}

/// The rows of a window in the order in which kernels take them, and where each kind begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    /// Noisy rows, whole rows, lists that need the mass, other lists.
    pub rows: Vec<u32>,
    /// How many of each of these four.
    pub counts: [u64; 4],
    /// Whether a list may turn out not to be enough.
    pub open: bool,
}

impl Order {
    pub(super) fn of(rows: std::ops::Range<u64>, routes: &[Route]) -> Self {
        let kind = |row: u64| match routes[row as usize] {
            Route::Noisy => 0,
            Route::Whole => 1,
            Route::List { mass: true, .. } => 2,
            Route::List { mass: false, .. } => 3,
        };
        let mut order: Vec<u64> = rows.collect();
        order.sort_by_key(|row| kind(*row));
        let open = order.iter().any(|row| matches!(routes[*row as usize], Route::List { open: true, .. }));
        let mut counts = [0; 4];
        order.iter().for_each(|row| counts[kind(*row)] += 1);
        Self { rows: order.into_iter().map(|row| row as u32).collect(), counts, open }
    }
}
