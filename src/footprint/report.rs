//! What `weigh` found, in the form of its JSON.

use serde::Serialize;

/// A model at several precisions.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The version of this form: 1.
    pub schema: u32,
    /// The device that did the work.
    pub adapter: String,
    /// Its driver; `None` where the CPU twins did it.
    pub driver: Option<String>,
    /// Whether the host's processor did the work.
    pub software: bool,
    /// What the driver's allocator was told.
    pub memory_hints: Option<&'static str>,
    /// Elements of floating-point tensors.
    pub parameters: u64,
    /// One entry a precision.
    pub precisions: Vec<Precision>,
}

/// A model at one precision.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Precision {
    /// The format's name.
    pub format: String,
    /// `resident` where the whole model lay on the device at once, `streamed` where one tensor at a time did.
    pub mode: &'static str,
    /// Parameters times the size of a code: the formula that people believe.
    pub estimated_bytes: u64,
    /// Bytes that this program asked the device for.
    pub requested_bytes: u64,
    /// Bytes that the device's allocator gave; `None` where it does not tell.
    pub allocated_bytes: Option<u64>,
    /// Bytes in the blocks from which it gave them.
    pub reserved_bytes: Option<u64>,
    /// Why the two are `None`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<&'static str>,
    /// The most bytes that were requested at once while the work went on.
    pub peak_requested_bytes: u64,
    /// The differences between formula and measurement, by name.
    pub lines: Vec<Line>,
    /// The same by component class.
    pub classes: Vec<ClassReport>,
    /// Every tensor.
    pub tensors: Vec<TensorReport>,
    /// sqrt(sum of squared errors / sum of squares) over the quantized tensors.
    pub relative_rmse: Option<f64>,
}

impl Precision {
    /// The bytes that the lines lead to: those of the allocator, or those asked for where it does not tell.
    #[must_use]
    pub fn measured_bytes(&self) -> u64 {
        self.allocated_bytes.unwrap_or(self.requested_bytes)
    }

    /// The bytes of a line.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<i64> {
        self.lines.iter().find(|l| l.name == name).map(|l| l.bytes)
    }
}

/// A difference with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Line {
    /// Its name.
    pub name: &'static str,
    /// What it adds to the formula.
    pub bytes: i64,
}

/// A component class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassReport {
    /// Its name.
    pub class: &'static str,
    /// Its parameters times the size of a code.
    pub estimated: u64,
    /// Bytes asked for.
    pub measured: u64,
}

/// A tensor.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct TensorReport {
    /// Its name.
    pub name: String,
    /// Its component class.
    pub class: &'static str,
    /// The type it had in the file.
    pub source: String,
    /// Whether it was dequantized before it was quantized: its errors are then those against the values it had in the file.
    pub dequantized_first: bool,
    /// The format it has now: that of the precision or of a rule, or its own type where it was kept.
    pub format: String,
    /// Why it was kept, if it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept: Option<&'static str>,
    /// Bytes asked for.
    pub bytes: u64,
    /// sqrt(sum of squared errors / sum of squares); `None` where it was kept or is all zeros.
    pub relative_rmse: Option<f64>,
    /// The largest error.
    pub max_abs_error: Option<f64>,
    /// 10 log10(sum of squares / sum of squared errors); `None` where there is no error.
    pub sqnr_db: Option<f64>,
    /// NaN and infinities.
    pub non_finite: Option<u64>,
    /// Finite values whose code means infinity or NaN.
    pub clipped: Option<u64>,
    /// Values other than zero whose code means zero.
    pub zeroed: Option<u64>,
}
