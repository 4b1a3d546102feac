//! The host side of quantizing and dequantizing, for any format: two drivers, chosen by how the format stores its scales.

mod block;
mod repitch;
mod scaled;
mod sums;
mod units;

use crate::error::{Error, Result};
use crate::format::{Element, Errors, F32, Format, NonFinite, Storage};
use crate::gpu::Gpu;
use crate::tensor::{Kind, Tensor};

/// How a tensor is quantized.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct QuantizeOptions {
    /// What is done with NaN and infinities.
    pub non_finite: NonFinite,
    /// What is done with rows that do not fill groups.
    pub tail: Tail,
    /// Whether the error sums are measured in the same pass. The count of non-finite values always is.
    pub errors: bool,
}

impl Default for QuantizeOptions {
    fn default() -> Self {
        Self { non_finite: NonFinite::Reject, tail: Tail::Error, errors: true }
    }
}

/// What is done with rows that do not fill the format's groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tail {
    /// [`Error::Shape`].
    #[default]
    Error,
    /// Each row is filled up with zeros, which are stored and left out again by [`dequantize`].
    Pad,
}

/// Quantizes a tensor on the device. The result's label is the source's.
///
/// A source in a format other than F32 is dequantized first, into scratch of its own; the errors are then those against what its codes
/// mean.
///
/// The codes and scales are the same bits on every adapter and in the CPU twin ([`crate::format::encode`]).
///
/// # Errors
/// [`Error::NonFinite`] and [`Error::Shape`] by the options; what the device says against it.
pub fn quantize(gpu: &Gpu, source: &Tensor, format: &Format, options: &QuantizeOptions) -> Result<(Tensor, Errors)> {
    let row_len = stored_row_len(format, &source.label, &source.shape, options.tail)?;
    let target = Tensor::coded(gpu, &source.label, &source.shape, *format, row_len)?;
    let errors = quantize_into(gpu, source, &target, options)?;
    Ok((target, errors))
}

/// Quantizes into a tensor that is there already, as [`quantize`] makes them; its former content is lost.
///
/// # Errors
/// As [`quantize`], and [`Error::Shape`] where the shapes differ.
pub fn quantize_into(gpu: &Gpu, source: &Tensor, target: &Tensor, options: &QuantizeOptions) -> Result<Errors> {
    let dequantized;
    let source = match source.kind {
        Kind::Coded(format) if format != F32 => {
            log::info!("{}: dequantized from {format} first", source.label);
            dequantized = dequantize(gpu, source)?;
            &dequantized
        }
        _ => source,
    };
    let element = plain(source)?;
    let Kind::Coded(format) = target.kind else {
        return Err(Error::Unsupported {
            what: format!("quantizing into {}", target.label),
            need: "a tensor in a format".into(),
            have: format!("{:?}", target.kind),
        });
    };
    options.non_finite.check(&format)?;
    if source.shape != target.shape {
        let (want, got) = (format!("{:?}", target.shape), format!("{:?}", source.shape));
        return Err(Error::Shape { what: source.label.clone(), want, got });
    }
    if source.elements() == 0 {
        return Ok(Errors::default());
    }
    let (row_len, label) = (source.row_len, source.label.clone());
    let padded;
    let (source, element) = if target.row_len == source.row_len {
        (source, element)
    } else {
        padded = repitch::repitch(gpu, source, element, &[source.rows(), target.row_len])?;
        (&padded, Element::F32)
    };
    let slots = sums::Slots { element, row_len, label, options: *options };
    match format.storage {
        Storage::Block(block) => block::quantize(gpu, source, target, &format, &block, &slots),
        Storage::Scaled(card) => scaled::quantize(gpu, source, target, &format, &card, &slots),
    }
}

/// Dequantizes a tensor to F32 on the device.
///
/// # Errors
/// What the device says against it; [`Error::Unsupported`] where the tensor is in no format.
pub fn dequantize(gpu: &Gpu, source: &Tensor) -> Result<Tensor> {
    let last = source.shape.last().copied().unwrap_or(1);
    let mut values = Tensor::room(gpu, &source.label, &[source.rows(), source.row_len], Element::F32)?;
    dequantize_into(gpu, source, &values)?;
    if last != source.row_len {
        values = repitch::repitch(gpu, &values, Element::F32, &[source.rows(), last])?;
    }
    values.shape.clone_from(&source.shape);
    Ok(values)
}

/// Dequantizes into F32 values that are there already, with as many rows and values in a row as the tensor stores.
///
/// # Errors
/// As [`dequantize`], and [`Error::Shape`] where the shapes differ.
pub fn dequantize_into(gpu: &Gpu, source: &Tensor, values: &Tensor) -> Result<()> {
    let Kind::Coded(format) = source.kind else {
        return Err(Error::Unsupported {
            what: format!("dequantizing {}", source.label),
            need: "a tensor in a format".into(),
            have: format!("{:?}", source.kind),
        });
    };
    if values.kind != Kind::Plain(Element::F32) || values.elements() != source.stored_elements() {
        let want = format!("F32 values of {} rows of {}", source.rows(), source.row_len);
        let got = format!("{:?} of {:?}", values.kind, values.shape);
        return Err(Error::Shape { what: source.label.clone(), want, got });
    }
    match format.storage {
        _ if source.elements() == 0 => Ok(()),
        Storage::Block(block) => block::dequantize(gpu, source, values, &format, &block),
        Storage::Scaled(card) => scaled::dequantize(gpu, source, values, &format, &card),
    }
}

/// The length of a row as it will be stored.
///
/// # Errors
/// [`Error::Shape`] where rows do not fill groups and `tail` forbids to pad.
pub fn stored_row_len(format: &Format, what: &str, shape: &[u64], tail: Tail) -> Result<u64> {
    let row_len = shape.last().copied().unwrap_or(1);
    let group = format.group_len();
    match tail {
        _ if row_len.is_multiple_of(group) => Ok(row_len),
        Tail::Pad => Ok(row_len.next_multiple_of(group)),
        Tail::Error => Err(Error::Shape {
            what: what.into(),
            want: format!("rows of a multiple of {group} values for {format}"),
            got: format!("rows of {row_len}"),
        }),
    }
}

fn plain(source: &Tensor) -> Result<Element> {
    match source.kind {
        Kind::Plain(element) => Ok(element),
        Kind::Coded(format) if format == F32 => Ok(Element::F32),
        kind => Err(Error::Unsupported {
            what: format!("quantizing {}", source.label),
            need: "plain F32, F16 or BF16 values, or a format".into(),
            have: format!("{kind:?}"),
        }),
    }
}

/// Every kernel of every format, checked and not compiled: for tools that look at the shaders without a GPU.
///
/// # Errors
/// [`Error::Shader`] where one does not link or is out of step with its host side.
pub fn programs() -> Result<Vec<crate::gpu::Program>> {
    let mut programs = vec![sums::program()?];
    let elements = [Element::F32, Element::F16, Element::Bf16];
    for element in elements {
        programs.push(repitch::program(element)?);
    }
    for format in crate::format::FORMATS {
        match format.storage {
            Storage::Block(_) => programs.extend(block::programs(format, &elements)?),
            Storage::Scaled(card) => programs.extend(scaled::programs(format, &card, &elements)?),
        }
    }
    // What formats share is made once.
    let mut seen = std::collections::BTreeSet::new();
    programs.retain(|program| seen.insert(program.name.clone()));
    Ok(programs)
}
