//! Joins WGSL files: `#import name` at a file's top brings in another file once, before it.
//!
//! A name is a file under `shaders/`, or a slot (`source`, `format`) that the host fills with one; a file may be replaced by another
//! in the same way. That is how behaviour is chosen, without conditionals and without WGSL in Rust strings.

use crate::error::{Error, Result};

macro_rules! shaders {
    ($($name:literal),* $(,)?) => {
        /// Every WGSL file, by its name under `shaders/`.
        pub const SHADERS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../shaders/", $name, ".wgsl")))),*];
    };
}

shaders![
    "block/flash",
    "block/flash_back_key",
    "block/flash_back_query",
    "block/gate",
    "block/gate_back",
    "block/matmul",
    "block/matmul_coded",
    "block/mix",
    "block/mix_back",
    "block/norm",
    "block/norm_back",
    "block/norm_weight_back",
    "block/params",
    "block/places",
    "block/read/cache_bf16",
    "block/read/cache_f32",
    "block/read/coded_blocks",
    "block/read/coded_scaled",
    "block/read/matrix_bf16",
    "block/read/matrix_f32",
    "block/read/scale_bf16",
    "block/read/scale_f32",
    "block/rotate",
    "block/scores",
    "block/scores_back",
    "block/store_bf16",
    "block/sum",
    "block/tile",
    "copy",
    "dequantize/block",
    "dequantize/scaled",
    "format/bf16",
    "format/f16",
    "format/f32",
    "format/int4",
    "format/int8",
    "format/q4_0",
    "format/q4_1",
    "format/q5_0",
    "format/q5_1",
    "format/q8_0",
    "lib/anchored",
    "lib/bf16_pairs",
    "lib/bits",
    "lib/block_words",
    "lib/errors",
    "lib/exact",
    "lib/finite",
    "lib/grid",
    "lib/measure",
    "lib/measure_block",
    "lib/nibbles",
    "lib/philox",
    "lib/plain",
    "lib/product",
    "lib/product_wide",
    "lib/propose",
    "lib/ranged",
    "lib/scale",
    "lib/unscaled",
    "lib/wide",
    "lib/wider",
    "probe/numerics",
    "quantize/block",
    "quantize/narrow",
    "quantize/scale",
    "quantize/scale_asymmetric",
    "quantize/scaled",
    "quantize/spread",
    "quantize/total_errors",
    "repitch",
    "sample/bins",
    "sample/chunk",
    "sample/counters",
    "sample/cut",
    "sample/decide",
    "sample/detail",
    "sample/deviation",
    "sample/estimate",
    "sample/fixed",
    "sample/gumbel",
    "sample/keep",
    "sample/list",
    "sample/logprob",
    "sample/noise",
    "sample/noise_near",
    "sample/noise_penalized",
    "sample/noisy",
    "sample/order",
    "sample/outcome",
    "sample/params",
    "sample/peaks",
    "sample/penalize",
    "sample/program",
    "sample/propose",
    "sample/race",
    "sample/reader",
    "sample/reader_penalized",
    "sample/record",
    "sample/stage/epsilon",
    "sample/stage/eta",
    "sample/stage/min_p",
    "sample/stage/sigma",
    "sample/stage/top_k",
    "sample/stage/top_p",
    "sample/stage/typical",
    "sample/stages",
    "sample/stages_quick",
    "sample/sums",
    "sample/survey",
    "sample/tally",
    "sample/tally_subgroup",
    "sample/throws",
    "sample/whole",
    "sample/winner",
    "sample/wish",
    "scales/f16",
    "scales/f32",
    "source/bf16",
    "source/f16",
    "source/f32",
    "spread/extremes",
    "spread/magnitude",
    "train/adamw",
    "train/gradients_bf16",
    "train/gradients_f32",
    "train/moments_bf16",
    "train/moments_f32",
    "train/moments_one",
    "train/momentum",
    "train/params",
    "train/random_none",
    "train/random_pair",
    "train/step",
    "train/step_coded",
    "train/weights_bf16",
    "train/weights_f32",
    "train/weights_master",
    "zero/none",
    "zero/packed",
];

/// Linked WGSL that still knows where its lines came from.
#[derive(Clone, Debug)]
pub struct Linked {
    /// The whole text.
    pub text: String,
    // For each line of the text, its file and its line there.
    lines: Vec<(&'static str, usize)>,
}

impl Linked {
    /// The file, and the line in it, of a line of the whole text; all from 1.
    #[must_use]
    pub fn place(&self, line: usize) -> (&'static str, usize) {
        line.checked_sub(1).and_then(|i| self.lines.get(i)).copied().unwrap_or(("?", 0))
    }
}

/// Links the file `root`, its slots filled by `slots`.
///
/// # Errors
/// [`Error::Shader`] where an import names no file, or a slot is not filled.
pub fn link(root: &str, slots: &[(&str, &str)]) -> Result<Linked> {
    let mut linked = Linked { text: String::new(), lines: Vec::new() };
    let mut done = Vec::new();
    append(root, root, slots, &mut done, &mut linked)?;
    Ok(linked)
}

fn append(root: &str, name: &str, slots: &[(&str, &str)], done: &mut Vec<&'static str>, linked: &mut Linked) -> Result<()> {
    let file = slots.iter().find(|(slot, _)| *slot == name).map_or(name, |(_, file)| file);
    let Some(&(file, text)) = SHADERS.iter().find(|(known, _)| *known == file) else {
        let message = format!("#import {name}: no such shader file, and no slot of that name is filled");
        return Err(Error::Shader { kernel: root.into(), file: format!("{root}.wgsl"), line: 0, message });
    };
    if done.contains(&file) {
        return Ok(());
    }
    done.push(file);
    for line in text.lines() {
        if let Some(import) = line.strip_prefix("#import ") {
            append(root, import.trim(), slots, done, linked)?;
        }
    }
    for (i, line) in text.lines().enumerate() {
        if !line.starts_with("#import ") {
            linked.text.push_str(line);
            linked.text.push('\n');
            linked.lines.push((file, i + 1));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_come_once_and_before_and_lines_lead_back() {
        let linked = link("quantize/scale", &[]).unwrap();
        assert_eq!(linked.text.matches("fn quotient(").count(), 1);
        let line = linked.text.lines().position(|l| l.contains("fn main(")).unwrap() + 1;
        let (file, there) = linked.place(line);
        assert_eq!(file, "quantize/scale");
        let text = SHADERS.iter().find(|(name, _)| *name == file).unwrap().1;
        assert!(text.lines().nth(there - 1).unwrap().contains("fn main("));
    }

    #[test]
    fn an_unfilled_slot_is_named() {
        let error = link("quantize/block", &[("source", "source/f32")]).unwrap_err();
        assert!(error.to_string().contains("#import format"), "{error}");
    }
}
