//! Many draws from the same rows: the filters act once, and each draw is an invocation's.

use super::logits::Logits;
use super::outcome::Drawn;
use super::plan::{Chunks, LANES, MOST_ROWS, SampleParams};
use super::sampler::Sampler;
use crate::error::{Error, Result};

/// Tokens that one submit looks at, over all its draws: under a second on two cores.
const WORK: u64 = 1 << 28;
/// Draws of all rows that one submit makes at most.
const MOST_THROWS: u64 = 1 << 20;

impl Sampler {
    /// Draws `draws` tokens from each row, as if at so many positions one after the other, but without remembering them: for
    /// statistics. `progress` is told how many draws a row are done. Each row's position ends behind the last draw.
    ///
    /// # Errors
    /// [`Error::Shape`] where the layout's `kept` is not the whole vocabulary; as [`Sampler::sample`].
    pub fn draw_many(
        &mut self,
        logits: &Logits<'_>,
        draws: u32,
        mut progress: impl FnMut(u32),
    ) -> Result<Vec<(Drawn, Vec<u32>)>> {
        if self.layout.kept < self.layout.vocab {
            return Err(Error::Shape {
                what: "the sampler's layout, for many draws".into(),
                want: format!("kept: {}, the whole vocabulary", self.layout.vocab),
                got: format!("kept: {}", self.layout.kept),
            });
        }
        let positions = self.positions()?;
        let filtered = self.drawn(logits, false)?;
        for (row, position) in positions.iter().enumerate() {
            self.set_position(row as u64, *position)?;
        }
        let rows = logits.rows;
        let survivors: u64 = filtered.iter().map(|row| u64::from(row.kept)).sum();
        let batch = (WORK / survivors.max(1)).min(MOST_THROWS / rows).min(draws.into()).next_multiple_of(LANES).max(LANES);
        let throws = self.gpu.buffer::<u32>("sampling/throws", rows * batch)?;
        let all: Vec<u32> = (0..rows as u32).collect();
        let lists = all.chunks(MOST_ROWS as usize).map(|some| Ok((some.len() as u64, self.schedule(false).row_list(some)?)));
        let lists = lists.collect::<Result<Vec<_>>>()?;
        let mut tokens = vec![Vec::with_capacity(draws as usize); rows as usize];
        let mut done = 0;
        while done < draws {
            let count = (draws - done).min(batch as u32);
            let slices = u64::from(count).div_ceil(LANES);
            let schedule = self.schedule(false);
            let kernel = schedule.kernel("throws", logits.element, false)?;
            let mut preparation = self.gpu.prepare("sampling");
            for (rows, list) in &lists {
                let params = SampleParams {
                    throw_first: done,
                    throw_count: count,
                    throws_room: batch as u32,
                    ..schedule.params(Chunks { quads: 1, slices }, 0, *rows, slices)
                };
                let mut windows = self.buffers.windows();
                windows.push(("throws", throws.window()));
                windows.push(("row_list", list.window()));
                preparation.dispatch(&kernel, &params, &kernel.pick(&windows), rows * slices)?;
            }
            let steps = preparation.finish()?;
            let mut recording = self.gpu.record("sampling");
            recording.steps(&steps);
            let download = recording.download(&throws, 0, throws.bytes());
            let words = recording.run()?.take_words(download);
            for (row, tokens) in tokens.iter_mut().enumerate() {
                tokens.extend_from_slice(&words[row * batch as usize..][..count as usize]);
            }
            done += count;
            progress(done);
        }
        for (row, position) in positions.iter().enumerate().take(rows as usize) {
            self.set_position(row as u64, position.wrapping_add(draws.into()))?;
        }
        Ok(filtered.into_iter().zip(tokens).collect())
    }

    /// The position of each row's next draw, read from the device.
    fn positions(&self) -> Result<Vec<u64>> {
        let mut recording = self.gpu.record("sampling");
        let download = recording.download(&self.buffers.memory, 0, self.buffers.memory.bytes());
        let words = recording.run()?.take_words(download);
        let at = |row: u64| (self.memory_at(row) / 4) as usize;
        let position = |row| u64::from(words[at(row)]) | u64::from(words[at(row) + 1]) << 32;
        Ok((0..self.layout.rows).map(position).collect())
    }
}
