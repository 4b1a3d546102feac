//! Weighbridge quantizes and dequantizes tensors on any Vulkan, Metal or DX12 GPU, and weighs what that took: each byte that a
//! formula claims is set beside the bytes measured on the device, and every difference has a name.
//!
//! ```no_run
//! use weighbridge::format::{Element, Format};
//! use weighbridge::gpu::{Gpu, GpuOptions};
//! use weighbridge::quantize::{QuantizeOptions, dequantize, quantize};
//! use weighbridge::tensor::Tensor;
//!
//! # fn main() -> weighbridge::Result<()> {
//! let gpu = Gpu::open(&GpuOptions::default())?;
//! let weights = vec![0_u8; 1024 * 1024 * 4]; // row-major little-endian F32
//! let source = Tensor::upload(&gpu, "mlp/up", &[1024, 1024], Element::F32, &weights)?;
//! let int4: Format = "int4:g64".parse()?;
//! let (coded, errors) = quantize(&gpu, &source, &int4, &QuantizeOptions::default())?;
//! println!("{} bytes, relative RMSE {:?}", coded.requested_bytes(), errors.relative_rmse());
//! let back = dequantize(&gpu, &coded)?;
//! # drop(back);
//! # Ok(())
//! # }
//! ```
//!
//! # Words
//!
//! A **format** is what stored bytes mean; its **card** ([`format::Format`]) says how many, its **twin** ([`format::encode`]) is the
//! CPU function that the kernel equals bit for bit. A tensor has named **planes**, each a list of **segments**. The **ledger**
//! ([`gpu::Ledger`]) lists every buffer alive. To **weigh** ([`footprint::weigh`]) is to set a claim beside a measurement; the
//! **residual** is what no named line explains.
//!
//! # Features
//!
//! `cli` (default): the binary `weighbridge`.

pub mod block;
pub mod error;
pub mod footprint;
pub mod format;
pub mod gpu;
pub mod io;
pub mod quantize;
pub mod sample;
pub mod tensor;
pub mod train;
pub mod units;

#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;

pub use error::{Error, Result};
