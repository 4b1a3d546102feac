//! One transformer block, forward and backward: what it keeps is on the ledger under its names, so that activations can be measured.
//!
//! RMSNorm, attention with grouped heads and rotary positions, SwiGLU, residual sums; all in F32. Attention is naive (the matrix of
//! probabilities is kept) or a row at a time (flash). [`BlockShape::saved`] is the list of what is kept; estimates read the same list.
//! [`BlockTwin`] does the same in f64. Kernels are written to be read: what they are for is memory, not speed.

mod backward;
mod coded;
mod decode;
mod forward;
mod kernels;
mod plan;
mod twin;

pub use coded::Coded;
pub use decode::KvCache;
pub use forward::{Block, Kept, Parameters};
pub use kernels::programs;
pub use plan::{Attention, BlockShape, Recompute, Saved};
pub use twin::{BlockTwin, KeptTwin};

/// Base of the rotation of positions: Llama 1 and 2.
pub const ROPE_BASE: f64 = 10_000.0;
/// Added to the mean square under a normalization's root: Llama's.
pub const EPSILON: f64 = 1e-5;

/// Cosine and sine of each pair of a head at each position, `[positions, head_dim / 2]`. Value i of a head turns with value i + head_dim / 2, by the
/// position times base^(-2 i / head_dim) (Su et al. 2021, in the layout of Hugging Face's Llama).
#[must_use]
pub fn rotations(head_dim: u64, positions: u64) -> Vec<[f64; 2]> {
    let half = head_dim / 2;
    let angle = |position: u64, i: u64| position as f64 * ROPE_BASE.powf(-2.0 * i as f64 / head_dim as f64);
    (0..positions * half)
        .map(|at| {
            let (sin, cos) = angle(at / half, at % half).sin_cos();
            [cos, sin]
        })
        .collect()
}
