//! Said versus measured: what the formulas claim of a model's memory, what the device took, and a name for every byte between.

pub mod class;
mod lines;
mod report;
mod weigh;

pub use class::Class;
pub use report::{ClassReport, Line, Precision, Report, TensorReport};
pub use weigh::{Device, Progress, WeighOptions, WeighTail, weigh};
