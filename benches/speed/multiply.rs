//! Products with matrices as they are stored: the head of a model, for one sequence and for sixteen.

use weighbridge::block::{Attention, Block, BlockShape, Coded, Parameters, Recompute};
use weighbridge::gpu::Gpu;
use weighbridge::tensor::Tensor;

use crate::Bench;

/// `matrix`, coded as `name` says, is read once for up to four sequences.
pub fn bench(bench: &Bench, gpu: &Gpu, name: &str, matrix: &Tensor, values_bytes: u64) {
    let [vocab, hidden] = [matrix.rows(), matrix.row_len];
    let shape = BlockShape { hidden, heads: 8, kv_heads: 8, head_dim: hidden / 8, ff: hidden, gated: true };
    let block = Block::new(gpu, shape, Attention::Flash, Recompute::None, 1).expect("a block");
    let norm = gpu.buffer::<f32>("weight/norm", hidden).expect("fits");
    // Of matrices as large as no window shows there is nothing to time.
    let Ok(coded) = Coded::of(gpu, matrix) else { return };
    let parameters = Parameters::new([("norm", norm.window())]).coded([("head", coded)]);
    for sequences in [1, 16] {
        let x = gpu.buffer::<f32>("scratch/x", sequences * hidden).expect("fits");
        let logits = gpu.buffer::<u8>("logits/step", 4 * sequences * vocab).expect("fits");
        let moved = matrix.requested_bytes() + 4 * sequences * vocab;
        bench.time(&format!("multiply/{name}-by-{sequences}"), values_bytes, moved, || {
            block.logits(gpu, &parameters, &x, [sequences, vocab], &logits).expect("multiplies");
        });
    }
}
