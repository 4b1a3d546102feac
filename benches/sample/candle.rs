//! candle-transformers' `LogitsProcessor` on the same rows, one thread, where it has the chain.

use std::time::Duration;

use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};
use criterion::Criterion;
use weighbridge::sample::SamplingParams;

use crate::{Rows, rounds};

fn sampling(params: &SamplingParams) -> Option<Sampling> {
    let unfiltered = SamplingParams::unfiltered();
    let (temperature, k, p) = (f64::from(params.temperature), params.top_k as usize, f64::from(params.top_p));
    let only_kp = params.min_p == unfiltered.min_p && params.typical_p == unfiltered.typical_p;
    match (params.is_greedy(), only_kp, k, p < 1.0) {
        (true, ..) => Some(Sampling::ArgMax),
        (_, false, ..) => None,
        (_, _, 0, false) => Some(Sampling::All { temperature }),
        (_, _, 0, true) => Some(Sampling::TopP { p, temperature }),
        (_, _, _, false) => Some(Sampling::TopK { k, temperature }),
        (_, _, _, true) => Some(Sampling::TopKThenTopP { k, p, temperature }),
    }
}

/// The median of a batch, row by row.
pub(super) fn time(criterion: &mut Criterion, name: &str, rows: &Rows, params: &SamplingParams) -> Option<Duration> {
    let mut processor = LogitsProcessor::from_sampling(1, sampling(params)?);
    let row = |values: &[f32]| Tensor::from_slice(values, rows.vocab, &Device::Cpu).expect("a row is a tensor");
    let tensors: Vec<Tensor> = rows.values.chunks_exact(rows.vocab).map(row).collect();
    let bytes = rows.values.len() as u64 * 4;
    rounds::median(criterion, &format!("candle-{name}"), bytes, || {
        for tensor in &tensors {
            processor.sample(tensor).expect("candle samples");
        }
    })
}
