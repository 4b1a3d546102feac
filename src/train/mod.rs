//! What training keeps of each parameter, and real steps on it: an optimizer's kernels, and their twin.
//!
//! [`Optimizer`] says what is kept and in which type; a [`Trained`] tensor holds it on a device and takes steps; [`Twin`] does the same in
//! plain Rust. Training arithmetic is that of floats: devices may differ by units in the last place, and tests say by how many.

mod codebook;
mod optimizer;
mod state;
mod twin;

pub use codebook::{SIGNED, UNSIGNED, codebook};
pub use optimizer::{BLOCK_LEN, Hyper, OPTIMIZERS, Optimizer, SCALE_BYTES, TrainingState};
pub use state::{Trained, programs};
pub use twin::Twin;
