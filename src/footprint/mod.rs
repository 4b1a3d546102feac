//! Said versus measured: what the formulas claim of a model's memory, what the device took, and a name for every byte between.

mod account;
mod capacity;
pub mod claims;
pub mod class;
mod decoded;
pub mod estimate;
mod lines;
mod on_cpu;
mod on_gpu;
mod placed;
mod plan;
mod report;
mod results;
pub mod shape;
mod weigh;

pub use account::{Account, AccountLine, Level, Observer};
pub use capacity::{Fit, Gpus, Memory, WAYS, Way};
pub use claims::{Claim, Proof, Verdict};
pub use class::Class;
pub use placed::{Placed, Run, carry_out, memory_of};
pub use plan::{Action, Rule, TensorPlan, plan};
pub use report::{ClassReport, Line, Precision, Report, TensorReport};
pub use weigh::{Device, Progress, WeighOptions, WeighTail, weigh};
