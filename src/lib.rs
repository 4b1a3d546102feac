//! Weighbridge.
pub mod error;
pub mod format;
pub mod gpu;
pub mod quantize;
pub mod tensor;
pub mod units;
pub use error::{Error, Result};
