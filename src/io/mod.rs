//! Files of weights: bytes in, no GPU.
//!
//! Files are believed in nothing: lengths, counts and offsets are checked, errors name the file (and the byte, where one is to blame),
//! and nothing is allocated because a file says that it will be large.

mod gguf;
mod metadata;
mod reader;
mod safetensors;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

pub use metadata::{Array, Value};

use crate::error::{Error, Result};
use crate::format::{Element, Format};

/// A model's tensors, lying in mapped files (or in memory); nothing is read before it is asked for.
#[derive(Debug)]
pub struct Model {
    /// Where it came from.
    pub path: PathBuf,
    /// What the file says of itself, in its order.
    pub metadata: Vec<(String, Value)>,
    /// Its tensors, in the order of their names.
    pub tensors: Vec<Entry>,
    files: Vec<Backing>,
}

/// A tensor in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The file's name for its type: `F32`, `Q4_K`, `I64`.
    pub dtype: String,
    /// What its bytes are here.
    pub stored: Stored,
    /// Whether it counts as parameters: every floating-point type does, and every type that stands for one.
    pub is_float: bool,
    /// Its shape; the last dimension is contiguous.
    pub shape: Vec<u64>,
    file: usize,
    range: std::ops::Range<usize>,
}

/// What a tensor's bytes in a file are.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Stored {
    /// Values of a floating-point type.
    Plain(Element),
    /// Blocks of a format, which can be dequantized.
    Coded(Format),
    /// Integers, or a type that is listed and not read.
    Opaque,
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

/// What one file holds.
struct Parsed {
    metadata: Vec<(String, Value)>,
    tensors: Vec<Entry>,
}

impl Parsed {
    /// A whole number of the metadata.
    fn number(&self, key: &str) -> Option<u64> {
        self.metadata.iter().find(|(k, _)| k == key).and_then(|(_, value)| value.as_u64())
    }
}

#[derive(Debug)]
enum Backing {
    Mapped(memmap2::Mmap),
    Embedded(&'static [u8]),
    Owned(Vec<u8>),
}

impl Backing {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Embedded(bytes) => bytes,
            Self::Owned(bytes) => bytes,
        }
    }
}

const KINDS: &str =
    "a .safetensors or .gguf file, the .safetensors.index.json of a sharded model, or a folder with one of them";

impl Model {
    /// Opens a `.safetensors` file, the `.safetensors.index.json` of a sharded one, a `.gguf` file (any part of a split one), or a
    /// folder that holds one model.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Malformed`], [`Error::Unsupported`] where it is none of them.
    pub fn open(path: &Path) -> Result<Self> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            Self::open(&only_model(path)?)
        } else if name.ends_with(".safetensors") {
            safetensors::open(path)
        } else if name.ends_with(".safetensors.index.json") {
            safetensors::open_sharded(path)
        } else if name.ends_with(".gguf") {
            gguf::open(path)
        } else {
            let have = path.display().to_string();
            Err(Error::Unsupported { what: "the model file".into(), need: KINDS.into(), have })
        }
    }

    /// A model that lies in memory, in the form of a `.safetensors` file.
    ///
    /// # Errors
    /// [`Error::Malformed`].
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Self> {
        Self::of(name, Backing::Embedded(bytes))
    }

    /// A model that lies in memory, in the form of a `.safetensors` or `.gguf` file.
    ///
    /// # Errors
    /// [`Error::Malformed`], [`Error::Unsupported`].
    pub fn parse(name: &str, bytes: Vec<u8>) -> Result<Self> {
        Self::of(name, Backing::Owned(bytes))
    }

    fn of(name: &str, backing: Backing) -> Result<Self> {
        let path = PathBuf::from(name);
        let read = if gguf::is_gguf(backing.bytes()) { gguf::parse } else { safetensors::parse };
        let Parsed { metadata, mut tensors } = read(&path, 0, backing.bytes())?;
        tensors.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { path, metadata, tensors, files: vec![backing] })
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

    /// A value of the metadata.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.metadata.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// The values of an array of the metadata, read from the file one by one.
    pub fn elements<'a>(&'a self, array: &Array) -> impl Iterator<Item = Value> + use<'a> {
        let bytes = &self.files[array.file].bytes()[..array.range.end];
        array.values(reader::Reader::new(&self.path, bytes, array.range.start))
    }
}

/// The one model in a folder: an index before single files.
fn only_model(folder: &Path) -> Result<PathBuf> {
    let fail = |source| Error::File { path: folder.into(), source };
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).map_err(fail)?;
    let mut found: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    found.sort();
    let of = |ending: &str| found.iter().filter(|p| p.to_string_lossy().ends_with(ending)).cloned().collect::<Vec<_>>();
    let mut whole = of(".gguf");
    whole.retain(|p| !p.to_string_lossy().contains("-of-") || p.to_string_lossy().contains("-00001-of-"));
    whole.extend(of(".safetensors"));
    let indices = of(".safetensors.index.json");
    let choice = if indices.is_empty() { whole } else { indices };
    match choice.as_slice() {
        [one] => Ok(one.clone()),
        several => Err(Error::Unsupported {
            what: format!("the folder {}", folder.display()),
            need: KINDS.into(),
            have: if several.is_empty() { "no model".into() } else { format!("{} models", several.len()) },
        }),
    }
}

/// Checks that the tensors of one file have names of their own and bytes of their own.
fn placed(path: &Path, tensors: &[Entry]) -> Result<()> {
    placed_names(path, tensors)?;
    let mut order: Vec<&Entry> = tensors.iter().filter(|t| !t.range.is_empty()).collect();
    order.sort_by_key(|t| t.range.start);
    for pair in order.windows(2) {
        if pair[1].range.start < pair[0].range.end {
            return Err(Error::Malformed {
                path: path.into(),
                offset: Some(pair[1].range.start as u64),
                message: format!("the tensors {:?} and {:?} overlap", pair[0].name, pair[1].name),
            });
        }
    }
    Ok(())
}

/// Checks that no two tensors have one name.
fn placed_names(path: &Path, tensors: &[Entry]) -> Result<()> {
    let mut names = HashSet::new();
    match tensors.iter().find(|t| !names.insert(t.name.as_str())) {
        None => Ok(()),
        Some(twice) => {
            let message = format!("the tensor {:?} a second time", twice.name);
            Err(Error::Malformed { path: path.into(), offset: None, message })
        }
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
