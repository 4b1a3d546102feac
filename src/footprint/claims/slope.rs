//! Models measured by slope: 1, 2 and 4 layers of a shape are placed on the device in a format; what a layer adds is the slope, and
//! the whole model follows from it. Nothing is scaled by hope: the differences must be those of the formula to the byte.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::footprint::estimate::{Storing, of_tensor, weights};
use crate::footprint::shape::{Shape, TensorShape};
use crate::format::Element;
use crate::gpu::Gpu;
use crate::tensor::Tensor;

/// A model measured by slope, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Slope {
    /// The model.
    pub model: String,
    /// The format of its matrices.
    pub format: String,
    /// Layers that were placed, and the bytes of the ledger without what rounds buffers up to 16 bytes.
    pub points: Vec<(usize, u64)>,
    /// What that was, for the most layers that were placed.
    pub rounding: u64,
    /// What a layer adds.
    pub per_layer: u64,
    /// What is there without layers.
    pub rest: u64,
    /// Layers of the whole model.
    pub layers: u64,
    /// The whole model: rest + layers x per_layer.
    pub total: u64,
    /// The whole model placed at once, where it fits.
    pub placed_whole: Option<u64>,
    /// What the formula says of it.
    pub formula: u64,
    /// Whether the differences, and the whole, are those of the formula to the byte.
    pub exact: bool,
    /// Whether tensors were placed one after the other, because all together would not fit.
    pub streamed: bool,
    /// The whole model by class.
    pub classes: BTreeMap<String, u64>,
}

/// Bytes by class of what was placed.
type Classes = BTreeMap<String, u64>;

/// Measures a model whose layers are all alike.
pub(super) fn slope(gpu: &Gpu, shape: &Shape, storing: &Storing, budget: u64) -> Result<Slope> {
    let layers = shape.layers.len();
    let mut streamed = false;
    let mut measured = Vec::new();
    let mut rounding = 0;
    for n in [1, 2, 4].map(|n: usize| n.min(layers)) {
        let placed = place(gpu, &shape.with_layers(n), storing, budget)?;
        streamed |= placed.streamed;
        rounding = placed.rounding;
        measured.push((n, placed.classes));
    }
    let total = |classes: &Classes| classes.values().sum::<u64>();
    let points: Vec<(usize, u64)> = measured.iter().map(|(n, classes)| (*n, total(classes))).collect();
    let of = |n: usize| weights(&shape.with_layers(n), storing).total.total();
    let per_layer = points[1].1 - points[0].1;
    let rest = points[0].1 - per_layer;
    let whole = rest + layers as u64 * per_layer;
    let formula = weights(shape, storing).total.total();
    let placed_whole =
        if formula <= budget { Some(place(gpu, shape, storing, budget)?.classes.values().sum::<u64>()) } else { None };
    let steps_exact = points.iter().all(|(n, bytes)| *bytes == of(*n)) && points[2].1 - points[1].1 == 2 * per_layer;
    let (one, two) = (&measured[0].1, &measured[1].1);
    let of_class = |(class, two): (&String, &u64)| {
        let one = one.get(class).copied().unwrap_or(0);
        (class.clone(), one + (layers as u64 - 1) * (two - one))
    };
    Ok(Slope {
        model: shape.name.clone(),
        format: storing.format.to_string(),
        per_layer,
        rest,
        layers: layers as u64,
        total: whole,
        formula,
        exact: steps_exact && whole == formula && placed_whole.is_none_or(|placed| placed == whole),
        placed_whole,
        streamed,
        classes: two.iter().map(of_class).collect(),
        points,
        rounding,
    })
}

/// A model's bytes, and whether they are the formula's: by slope where its layers are alike, else tensor by tensor.
pub(super) fn whole(gpu: &Gpu, shape: &Shape, storing: &Storing, budget: u64) -> Result<(u64, bool)> {
    let layers = shape.by_layer();
    if layers.len() > 4 && layers.iter().all(|parameters| *parameters == layers[0]) {
        let slope = slope(gpu, shape, storing, budget)?;
        return Ok((slope.total, slope.exact));
    }
    let total = place(gpu, shape, storing, budget)?.classes.values().sum();
    Ok((total, total == weights(shape, storing).total.total()))
}

/// What was placed.
struct Placed {
    /// Bytes of the ledger by class, without the rounding.
    classes: Classes,
    rounding: u64,
    streamed: bool,
}

/// Places all tensors of a shape, or one after the other where they are more than the budget; what the ledger then has.
fn place(gpu: &Gpu, shape: &Shape, storing: &Storing, budget: u64) -> Result<Placed> {
    let streamed = weights(shape, storing).total.total() > budget;
    let mut placed = Placed { classes: Classes::new(), rounding: 0, streamed };
    let mut held = Vec::new();
    let before = gpu.ledger().by_class();
    let count = |classes: &mut Classes| {
        for (class, bytes) in gpu.ledger().by_class() {
            *classes.entry(class.clone()).or_default() += bytes - before.get(&class).copied().unwrap_or(0);
        }
    };
    let mut rounded = Classes::new();
    for tensor in &shape.tensors {
        for piece in pieces(tensor, storing, budget)? {
            let label = format!("{}/{}", tensor.class.name(), tensor.name);
            let there = room(gpu, &label, tensor, &piece, storing)?;
            let rounding = there.requested_bytes() - there.planes.iter().map(|plane| plane.bytes).sum::<u64>();
            *rounded.entry(tensor.class.name().into()).or_default() += rounding;
            if streamed { count(&mut placed.classes) } else { held.push(there) }
        }
    }
    if !streamed {
        count(&mut placed.classes);
    }
    drop(held);
    gpu.quiesce()?;
    for (class, rounding) in rounded {
        placed.rounding += rounding;
        *placed.classes.entry(class).or_default() -= rounding;
    }
    placed.classes.retain(|_, bytes| *bytes > 0);
    Ok(placed)
}

/// A tensor, in parts along its first dimension where it alone is more than the budget: experts, or
/// whole words of zero points, eight rows.
fn pieces(tensor: &TensorShape, storing: &Storing, budget: u64) -> Result<Vec<Vec<u64>>> {
    let bytes = of_tensor(tensor, storing).total();
    let first = tensor.shape.first().copied().unwrap_or(1);
    if bytes <= budget {
        return Ok(vec![tensor.shape.clone()]);
    }
    let unit = if tensor.shape.len() > 2 { 1 } else { 8 };
    let rows = (budget / (bytes / first).max(1)) / unit * unit;
    // A scale of the whole tensor has no parts, and a few rows may be too much already.
    if rows == 0 || storing.format.to_string().contains(":tensor") {
        let limited_by = "what may be placed at once";
        return Err(Error::TooLarge { what: tensor.name.clone(), asked: bytes, limit: budget, limited_by });
    }
    let piece = |start: u64| {
        let mut piece = tensor.shape.clone();
        piece[0] = rows.min(first - start);
        piece
    };
    Ok((0..first).step_by(rows as usize).map(piece).collect())
}

/// Room for a tensor of some shape in its format.
fn room(gpu: &Gpu, label: &str, tensor: &TensorShape, shape: &[u64], storing: &Storing) -> Result<Tensor> {
    if storing.quantizes(tensor) {
        let row_len = shape.last().copied().unwrap_or(1);
        return Tensor::coded(gpu, label, shape, storing.format, row_len);
    }
    let element = if storing.kept_element == 4 { Element::F32 } else { Element::Bf16 };
    Tensor::room(gpu, label, shape, element)
}
