//! Said versus measured, as far as it needs no device: shapes, formulas, the allocator's blocks.

mod estimates;
mod shapes;
