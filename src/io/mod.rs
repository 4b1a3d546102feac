//! Files of weights: bytes in, no GPU.

mod safetensors;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::format::Element;

/// A model's tensors, lying in mapped files (or in memory); nothing is read before it is asked for.
#[derive(Debug)]
pub struct Model {
    /// Where it came from.
    pub path: PathBuf,
    /// Its tensors, in the order of their names.
    pub tensors: Vec<Entry>,
    files: Vec<Backing>,
}

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The file's name for its type: `F32`, `I64`.
    pub dtype: String,
    /// The type, where it is floating point and can be quantized.
    pub element: Option<Element>,
    /// Whether it counts as parameters: every floating-point type does.
    pub is_float: bool,
    /// Its shape.
    pub shape: Vec<u64>,
    file: usize,
    range: std::ops::Range<usize>,
}

impl Entry {
    /// Values in the tensor.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Bytes in the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.range.len() as u64
    }
}

#[derive(Debug)]
enum Backing {
    Mapped(memmap2::Mmap),
    Embedded(&'static [u8]),
}

impl Backing {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Embedded(bytes) => bytes,
        }
    }
}

impl Model {
    /// Opens a `.safetensors` file, or the `.safetensors.index.json` of a sharded one.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Malformed`], [`Error::Unsupported`] where it is neither.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".safetensors") {
            safetensors::open(path)
        } else if name.ends_with(".safetensors.index.json") {
            safetensors::open_sharded(path)
        } else {
            Err(Error::Unsupported {
                what: "the model file".into(),
                need: "a .safetensors file, or the .safetensors.index.json of a sharded one".into(),
                have: path.display().to_string(),
            })
        }
    }

    /// A model that lies in memory, in the form of a `.safetensors` file.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self> {
        let mut model = Self { path: name.into(), tensors: vec![], files: vec![Backing::Embedded(bytes)] };
        model.tensors = safetensors::entries(&model.path, 0, bytes)?;
        model.tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(model)
    }

    /// The bytes of a tensor, little-endian and row-major.
    #[must_use]
    pub fn bytes(&self, entry: &Entry) -> &[u8] {
        &self.files[entry.file].bytes()[entry.range.clone()]
    }

    /// Elements of all floating-point tensors.
    #[must_use]
    pub fn parameters(&self) -> u64 {
        self.tensors.iter().filter(|t| t.is_float).map(Entry::elements).sum()
    }
}

fn map(path: &Path) -> Result<memmap2::Mmap> {
    let fail = |source| Error::File { path: path.into(), source };
    let file = std::fs::File::open(path).map_err(fail)?;
    // SAFETY: the map is only read, as bytes, for which every content is valid. A file that another process cuts short while it
    // is mapped ends the program with SIGBUS, as for every reader of mapped files; this is said in the README.
    #[allow(unsafe_code)]
    let map = unsafe { memmap2::Mmap::map(&file) };
    map.map_err(fail)
}
