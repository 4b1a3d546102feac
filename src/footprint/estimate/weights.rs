//! The weights of a model in a format: codes, scales, zero points, and what stays as it is.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::footprint::class::Class;
use crate::footprint::shape::{Shape, TensorShape};
use crate::format::Format;

/// How a model's weights are stored.
#[derive(Clone, Debug)]
pub struct Storing {
    /// The format of matrices.
    pub format: Format,
    /// Classes whose matrices are kept.
    pub keep: Vec<Class>,
    /// Bytes of a value that is kept: vectors always are. 2 for BF16 or F16.
    pub kept_element: u64,
}

impl Storing {
    /// All matrices in a format, the rest in BF16, or in F32 where the format is F32.
    #[must_use]
    pub fn all(format: Format) -> Self {
        let kept_element = if format == crate::format::F32 { 4 } else { 2 };
        Self { format, keep: vec![], kept_element }
    }

    /// The same with classes kept.
    #[must_use]
    pub fn keeping(mut self, classes: &[Class]) -> Self {
        self.keep = classes.to_vec();
        self
    }

    /// Whether a tensor is quantized: a matrix whose class is not kept and whose rows fill the format's groups.
    #[must_use]
    pub fn quantizes(&self, tensor: &TensorShape) -> bool {
        let row_len = tensor.shape.last().copied().unwrap_or(1);
        tensor.shape.len() > 1 && !self.keep.contains(&tensor.class) && row_len.is_multiple_of(self.format.group_len())
    }

    /// Bytes of each plane of a tensor.
    #[must_use]
    pub fn planes(&self, tensor: &TensorShape) -> Vec<u64> {
        if !self.quantizes(tensor) {
            return vec![tensor.elements() * self.kept_element];
        }
        let row_len = tensor.shape.last().copied().unwrap_or(1).max(1);
        self.format.planes(tensor.elements() / row_len, row_len).into_iter().map(|(_, bytes)| bytes).collect()
    }
}

/// The weights of one class, in bytes unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClassWeights {
    /// Parameters, a number.
    pub parameters: u64,
    /// Parameters times the size of a code: what the formula says.
    pub nominal: u64,
    /// Codes (of the block formats without their scales).
    pub codes: u64,
    /// Scales.
    pub scales: u64,
    /// Zero points.
    pub zero_points: u64,
    /// Tensors that are not quantized.
    pub kept: u64,
}

impl ClassWeights {
    /// Bytes of the planes together.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.codes + self.scales + self.zero_points + self.kept
    }

    fn add(&mut self, other: &Self) {
        self.parameters += other.parameters;
        self.nominal += other.nominal;
        self.codes += other.codes;
        self.scales += other.scales;
        self.zero_points += other.zero_points;
        self.kept += other.kept;
    }
}

/// The weights of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Weights {
    /// By class.
    pub classes: BTreeMap<Class, ClassWeights>,
    /// Together. Its nominal bytes are those of all parameters, rounded once.
    pub total: ClassWeights,
}

/// The bytes of a model's weights, scales and all, as files and devices hold them before they round anything up.
///
/// Source: the format's own definition ([`Format::planes`]). Assumes one copy of each tensor, what is tied being there once.
#[must_use]
pub fn weights(shape: &Shape, storing: &Storing) -> Weights {
    let mut classes: BTreeMap<Class, ClassWeights> = BTreeMap::new();
    for tensor in &shape.tensors {
        classes.entry(tensor.class).or_default().add(&of_tensor(tensor, storing));
    }
    classes.retain(|_, class| class.parameters > 0);
    let mut total = ClassWeights::default();
    for class in classes.values_mut() {
        class.nominal = storing.format.nominal_bytes(class.parameters);
        total.add(class);
    }
    total.nominal = storing.format.nominal_bytes(total.parameters);
    Weights { classes, total }
}

/// The same of one tensor.
pub(in crate::footprint) fn of_tensor(tensor: &TensorShape, storing: &Storing) -> ClassWeights {
    let elements = tensor.elements();
    let mut bytes = ClassWeights { parameters: elements, ..ClassWeights::default() };
    if storing.quantizes(tensor) {
        let format = &storing.format;
        let row_len = tensor.shape.last().copied().unwrap_or(1).max(1);
        let rows = elements / row_len;
        bytes.scales = format.scale_bytes(rows, row_len);
        bytes.zero_points = format.zero_point_bytes(rows, row_len);
        bytes.codes = format.bytes(rows, row_len) - bytes.scales - bytes.zero_points;
    } else {
        bytes.kept = elements * storing.kept_element;
    }
    bytes
}
