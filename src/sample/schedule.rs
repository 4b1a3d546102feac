//! Which kernels run for a batch, over which rows, in what order.

use std::sync::Arc;

use super::layout::{Buffers, MEMORY_WORDS, STEP_WORDS, SamplerLayout};
use super::logits::Logits;
use super::plan::{Chunks, MOST_ROWS, Order, SampleParams, Window, windows};
use super::program::{Program, Route};
use crate::error::Result;
use crate::format::Element;
use crate::gpu::{Buffer, Gpu, Kernel, Preparation, Steps};

/// What fills a kernel's slots; the results do not depend on what the device offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    pub subgroups: bool,
    pub wide_integers: bool,
    /// Whether rows are read after mask, bias and penalties.
    pub touched: bool,
}

impl Variant {
    pub(super) fn slots(self, name: &str, element: Element) -> Vec<(&'static str, &'static str)> {
        let mut slots = vec![("source", element.wgsl())];
        if self.subgroups && matches!(name, "decide" | "detail") {
            slots.push(("sample/tally", "sample/tally_subgroup"));
        }
        if self.wide_integers {
            slots.push(("lib/product", "lib/product_wide"));
        }
        if self.touched {
            slots.push(("sample/reader", "sample/reader_penalized"));
        }
        if self.touched && name == "noisy" {
            slots.push(("sample/noise", "sample/noise_penalized"));
        }
        slots
    }
}

/// A step on some logits, being planned.
pub(super) struct Schedule<'a> {
    pub gpu: &'a Gpu,
    pub layout: &'a SamplerLayout,
    pub buffers: &'a Buffers,
    pub programs: &'a [Program],
    pub routes: &'a [Route],
    /// Whether what is drawn is remembered.
    pub remembers: bool,
}

impl Schedule<'_> {
    pub(super) fn plan(&self, logits: &Logits<'_>) -> Result<Steps> {
        let rows = self.layout.rows;
        let mut preparation = self.gpu.prepare("sampling");
        preparation.clear(&self.buffers.step, 0, (rows * STEP_WORDS + 1) * 4);
        if self.layout.top.is_some() {
            preparation.clear(&self.buffers.raw_step, 0, rows * STEP_WORDS * 4);
        }
        for (i, window) in windows(self.gpu, logits)?.into_iter().enumerate() {
            let order = Order::of(window.rows.0..window.rows.0 + window.rows.1, self.routes);
            if i > 0 && order.open {
                preparation.clear(&self.buffers.step, rows * STEP_WORDS * 4, 4);
            }
            let list = self.row_list(&order.rows)?;
            self.plan_window(&mut preparation, logits, &window, &order, &list)?;
            preparation.keep(list);
        }
        preparation.finish()
    }

    /// The rows of a window as kernels are told them.
    pub(super) fn row_list(&self, rows: &[u32]) -> Result<Buffer<u8>> {
        let mut words = rows.to_vec();
        words.resize(MOST_ROWS as usize, 0);
        self.gpu.constants("sampling/rows", bytemuck::cast_slice(&words))
    }

    /// Parameters of a dispatch over rows that are listed from `list_first` on.
    pub(super) fn params(&self, chunks: Chunks, list_first: u64, row_count: u64, slices: u64) -> SampleParams {
        let layout = self.layout;
        SampleParams {
            vocab: layout.vocab as u32,
            rows: layout.rows as u32,
            row_count: row_count as u32,
            list_first: list_first as u32,
            slices: slices as u32,
            chunk_quads: chunks.quads as u32,
            chunks: chunks.count() as u32,
            memory_words: MEMORY_WORDS as u32 + layout.history,
            draws: layout.draws,
            remembers: u32::from(self.remembers),
            visible_words: layout.mask_words() as u32 + 1,
            seen_words: (layout.mask_words() + 3 * layout.touched()) as u32,
            extra_words: 2 * layout.touched() as u32,
            bias_room: layout.biases,
            top: layout.top.unwrap_or(0),
            kept_room: layout.kept as u32,
            ..SampleParams::new()
        }
    }

    fn plan_window(
        &self,
        preparation: &mut Preparation<'_>,
        logits: &Logits<'_>,
        window: &Window,
        order: &Order,
        list: &Buffer<u8>,
    ) -> Result<()> {
        let (layout, b) = (self.layout, self.buffers);
        let source = if window.copied {
            let (begin, end) = window.bytes;
            preparation.copy(logits.buffer, begin, &b.last_row, 0, end - begin);
            b.last_row.window()
        } else {
            logits.buffer.part(window.bytes.0..window.bytes.1)
        };
        let mut all = b.windows();
        all.push(("source", source));
        all.push(("row_list", list.window()));
        let mut raw = all.clone();
        if let Some(step) = raw.iter_mut().find(|(name, _)| *name == "step") {
            step.1 = b.raw_step.window();
        }
        let params = |chunks: Chunks, first: u64, count: u64, slices: u64| SampleParams {
            row_first: window.rows.0 as u32,
            element_first: window.element as u32,
            stride: logits.stride as u32,
            ..self.params(chunks, first, count, slices)
        };
        let [noisy, whole, heavy, light] = order.counts;
        let listed = order.rows[(noisy + whole) as usize..].iter().map(|row| self.programs[*row as usize].list_len);
        let lists = Chunks::for_lists(layout.places(), listed.max().unwrap_or(1));
        let races = Chunks::for_races(layout.places());
        let kernel = |name: &str, touched: bool| self.kernel(name, logits.element, touched);
        let count = window.rows.1;
        let touched = layout.touches();
        if touched {
            let kernel = kernel("penalize", false)?;
            preparation.dispatch(&kernel, &params(races, 0, count, 1), &kernel.pick(&all), count)?;
        }
        let mut run = |name: &str, chunks: Chunks, first: u64, count: u64, slices: u64| -> Result<()> {
            if count == 0 {
                return Ok(());
            }
            let kernel = kernel(name, touched)?;
            preparation.dispatch(&kernel, &params(chunks, first, count, slices), &kernel.pick(&all), count * slices)
        };
        // Lists first: the races use the place of their peaks.
        run("peaks", lists, noisy, whole + heavy + light, lists.slices)?;
        run("estimate", lists, noisy + whole, heavy, lists.slices)?;
        run("decide", lists, noisy + whole, heavy + light, 1)?;
        run("whole", races, noisy, whole, 1)?;
        run("noisy", races, 0, noisy + whole, races.slices)?;
        run("winner", races, 0, noisy + whole, 1)?;
        if order.open {
            preparation.copy(&b.step, layout.rows * STEP_WORDS * 4, &b.pending, 4, 4);
            for name in ["whole", "noisy", "winner"] {
                let kernel = kernel(name, touched)?;
                let pending = SampleParams { pending: 1, ..params(races, 0, layout.rows, races.slices) };
                preparation.dispatch_indirect(&kernel, &pending, &kernel.pick(&all), &b.pending)?;
            }
        }

        // What else is asked for, of all rows.
        if layout.top.is_some() || layout.kept > 0 {
            let kernel = kernel("sums", touched)?;
            preparation.dispatch(&kernel, &params(races, 0, count, races.slices), &kernel.pick(&all), count * races.slices)?;
        }
        if let Some(top) = layout.top {
            // The row as it came.
            let chunks = Chunks::for_lists(layout.vocab, top);
            for name in ["peaks", "sums", "detail"] {
                let kernel = kernel(name, false)?;
                let (windows, slices) = if name == "detail" { (&all, 1) } else { (&raw, chunks.slices) };
                let raw_params = SampleParams { raw: 1, ..params(chunks, 0, count, slices) };
                preparation.dispatch(&kernel, &raw_params, &kernel.pick(windows), count * slices)?;
            }
        }
        if layout.kept > 0 {
            let kernel = kernel("keep", touched)?;
            preparation.dispatch(&kernel, &params(races, 0, count, 1), &kernel.pick(&all), count)?;
        }
        Ok(())
    }

    pub(super) fn kernel(&self, name: &str, element: Element, touched: bool) -> Result<Arc<Kernel>> {
        let variant = Variant { subgroups: self.gpu.has_subgroups(), wide_integers: self.gpu.has_wide_integers(), touched };
        self.gpu.kernel::<SampleParams>(&format!("sample/{name}"), &variant.slots(name, element))
    }
}
