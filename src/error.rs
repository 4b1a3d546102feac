//! The one error type: what was wanted, what was got, and (in [`Error::hint`]) what to do.

use std::path::PathBuf;

/// The result of everything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong. Messages are lower case and say what was wanted and what was got; [`Error::hint`] says what to do next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No GPU, or none of the name asked for.
    #[error("no GPU found: looked for {looked_for}, found {found}")]
    NoAdapter {
        /// What was looked for, with the graphics interfaces that were asked.
        looked_for: String,
        /// The adapters that are there, or why there are none.
        found: String,
        /// What to install or type.
        hint: String,
    },
    /// The adapter lacks something that every kernel here needs.
    #[error("adapter {adapter:?} is too weak: {limit} must be at least {need}, it has {have}")]
    WeakAdapter {
        /// The adapter's name.
        adapter: String,
        /// The limit, by its WebGPU name.
        limit: &'static str,
        /// What WebGPU guarantees and the kernels use.
        need: u64,
        /// What the adapter offers.
        have: u64,
    },
    /// Something that cannot be done as asked.
    #[error("{what}: {need}, got {have}")]
    Unsupported {
        /// What was asked for.
        what: String,
        /// What would be possible.
        need: String,
        /// What was given.
        have: String,
    },
    /// More memory than there is; refused before anything was allocated.
    #[error("{what} needs {asked} bytes, and {limited_by} is {limit} bytes")]
    TooLarge {
        /// What the memory was for.
        what: String,
        /// Bytes asked for.
        asked: u64,
        /// Bytes there are.
        limit: u64,
        /// What sets that limit.
        limited_by: &'static str,
    },
    /// The device refused an allocation.
    #[error("the device is out of memory at {what} ({asked} bytes)")]
    OutOfMemory {
        /// The label `class/part` of the buffer, or the operation.
        what: String,
        /// Bytes asked for; 0 where it was no single buffer.
        asked: u64,
    },
    /// The device is gone: removed, reset, or destroyed by its owner.
    #[error("the device was lost during {what}: {reason}")]
    DeviceLost {
        /// The operation that noticed it.
        what: String,
        /// The driver's words.
        reason: String,
    },
    /// The device rejected a command: a defect of this library or of the driver.
    #[error("the device rejected {what}: {message}")]
    Device {
        /// The operation.
        what: String,
        /// The device's words.
        message: String,
    },
    /// A tensor's shape does not suit what is done with it.
    #[error("{what}: wanted {want}, got {got}")]
    Shape {
        /// The tensor or operation.
        what: String,
        /// The shape that would do.
        want: String,
        /// The shape given.
        got: String,
    },
    /// A name that is not known.
    #[error("unknown {kind} {name:?}; known: {known}")]
    UnknownName {
        /// What kind of name it is.
        kind: &'static str,
        /// The name given.
        name: String,
        /// The names that exist.
        known: String,
    },
    /// A parameter outside its range.
    #[error("row {row}: {parameter} is {value}, it must be {range}")]
    Parameter {
        /// The row of the batch.
        row: u64,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// A shader does not compile or does not agree with its host side.
    #[error("kernel {kernel}: {file}:{line}: {message}")]
    Shader {
        /// The kernel.
        kernel: String,
        /// The WGSL file.
        file: String,
        /// The line within that file, from 1; 0 where there is none.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// A tensor holds NaN, infinities or values beyond the format's range, and the policy is to reject them.
    #[error("tensor {tensor:?} holds {count} {}, the first at index {index}: {value}", beyond(*value))]
    NonFinite {
        /// The tensor.
        tensor: String,
        /// The flat index of the first of them.
        index: u64,
        /// That value.
        value: f32,
        /// How many there are.
        count: u64,
    },
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}{}: {message}", path.display(), offset.map(|o| format!(" at byte {o}")).unwrap_or_default())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where in the file, if known.
        offset: Option<u64>,
        /// What is wrong with it.
        message: String,
    },
}

fn beyond(value: f32) -> &'static str {
    if value.is_finite() { "values beyond the format's range" } else { "non-finite values" }
}

impl Error {
    /// A scale that F16 cannot hold.
    pub(crate) fn large_scale(tensor: &str, unit: u64) -> Self {
        Self::Unsupported {
            what: format!("F16 scales for {tensor:?}"),
            need: "scales of at most 65504; store F32 scales, or `--non-finite saturate` clips".into(),
            have: format!("a larger one in unit {unit}"),
        }
    }

    /// What the reader can do about it, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoAdapter { hint, .. } => hint.clone(),
            Self::WeakAdapter { .. } => "`weighbridge devices` lists the adapters; `--adapter cpu` needs none".into(),
            Self::TooLarge { .. } | Self::OutOfMemory { .. } => {
                "close what else uses the memory, choose a smaller precision, or a device with more".into()
            }
            Self::DeviceLost { .. } => "open the device again; if it happens again, look at the driver's log".into(),
            Self::Device { .. } | Self::Shader { .. } => "this is a defect: please report it with this message".into(),
            Self::NonFinite { .. } => {
                "`--non-finite saturate` takes NaN for 0 and infinities for the largest finite value; `keep` keeps them where \
                 the format can"
                    .into()
            }
            Self::Shape { want, .. } if want.contains("multiple of") => {
                "`--tail pad` fills rows up with zeros, `--tail keep` leaves the tensor as it is".into()
            }
            Self::UnknownName { kind: "adapter", .. } => "`weighbridge devices` lists the adapters".into(),
            Self::Malformed { .. } => "the file is damaged or incomplete; fetch it again".into(),
            _ => return None,
        })
    }

    /// Whether the device or the host ran short of memory.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::OutOfMemory { .. })
    }
}
