//! The twins at work on whole tensors, in parallel: the oracle of the tests, and the command line where there is no GPU.

use rayon::prelude::*;

use super::{Errors, Format, NonFinite, Scaled, Storage, ZERO_POINT_ROWS, scaled};
use crate::error::{Error, Result};

/// A tensor's planes, in the order of [`Format::planes`], and what they cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Encoded {
    /// The bytes of each plane.
    pub planes: Vec<Vec<u8>>,
    /// What quantization cost.
    pub errors: Errors,
}

/// Values handled at once by one thread; a multiple of every group length.
const CHUNK: usize = 1 << 16;

/// Quantizes `x`, rows of `row_len` (a multiple of the format's group length). `name` is for the error.
///
/// # Errors
/// [`Error::NonFinite`] by policy; [`Error::Shape`] where rows do not fill groups; as [`NonFinite::check`].
pub fn encode(format: &Format, name: &str, x: &[f32], row_len: usize, policy: NonFinite) -> Result<Encoded> {
    policy.check(format)?;
    if row_len == 0 || !x.len().is_multiple_of(row_len) || !(row_len as u64).is_multiple_of(format.group_len()) {
        return Err(Error::Shape {
            what: name.into(),
            want: format!("rows of a multiple of {} values for {format}", format.group_len()),
            got: format!("{} values in rows of {row_len}", x.len()),
        });
    }
    let non_finite = x.par_iter().filter(|x| !format.range.holds(**x)).count() as u64;
    if policy == NonFinite::Reject && non_finite > 0 {
        let index = x.iter().position(|x| !format.range.holds(*x)).unwrap_or(0);
        return Err(Error::NonFinite { tensor: name.into(), index: index as u64, value: x[index], count: non_finite });
    }
    let (planes, mut errors) = match format.storage {
        Storage::Block(block) => {
            let (len, bytes) = (block.len as usize, block.bytes as usize);
            let mut plane = vec![0; x.len() / len * bytes];
            let errors = (plane.par_chunks_mut(CHUNK / len * bytes), x.par_chunks(CHUNK))
                .into_par_iter()
                .map(|(out, x)| {
                    let mut errors = Errors::default();
                    let mut ready = vec![0.0; len];
                    let mut meaning = vec![0.0; len];
                    for (out, x) in out.chunks_exact_mut(bytes).zip(x.chunks_exact(len)) {
                        ready.iter_mut().zip(x).for_each(|(r, x)| *r = policy.apply(*x, format.range));
                        (block.encode)(&ready, out);
                        (block.decode)(out, &mut meaning);
                        count(&mut errors, &ready, &meaning);
                    }
                    errors
                })
                .reduce(Errors::default, sum);
            (vec![plane], errors)
        }
        Storage::Scaled(card) => {
            let rows = x.len() / row_len;
            let unit_len = card.unit_len(rows as u64, row_len as u64) as usize;
            let ready = |x: &f32| policy.apply(*x, format.range);
            let of = |unit: &[f32]| card.parameters(scaled::Spread::of(unit.iter().map(ready)));
            let units: Vec<scaled::Parameters> = x.par_chunks(unit_len.max(1)).map(of).collect();
            if let (NonFinite::Reject, Some(unit)) = (policy, units.iter().position(|unit| unit.beyond)) {
                return Err(Error::large_scale(name, unit as u64));
            }
            let mut codes = vec![0; (x.len() * card.bits as usize).div_ceil(8)];
            let errors = (codes.par_chunks_mut(CHUNK * card.bits as usize / 8), x.par_chunks(CHUNK))
                .into_par_iter()
                .enumerate()
                .map(|(chunk, (out, x))| {
                    let mut errors = Errors::default();
                    for (i, x) in x.iter().enumerate() {
                        let unit = units[(chunk * CHUNK + i) / unit_len];
                        let x = ready(x);
                        let code = card.code(x, unit);
                        scaled::put_code(out, i, card.bits, code);
                        errors.count(x, (code - unit.zero) as f32 * unit.scale);
                    }
                    errors
                })
                .reduce(Errors::default, sum);
            let mut planes = vec![codes, scales(&card, &units)];
            if card.asymmetric {
                planes.push(zero_points(rows, &units));
            }
            (planes, errors)
        }
    };
    errors.non_finite = non_finite;
    Ok(Encoded { planes, errors })
}

/// The plane of scales.
fn scales(card: &Scaled, units: &[scaled::Parameters]) -> Vec<u8> {
    if card.half_scales {
        units.iter().flat_map(|unit| half::f16::from_f32(unit.scale).to_le_bytes()).collect()
    } else {
        units.iter().flat_map(|unit| unit.scale.to_le_bytes()).collect()
    }
}

/// The plane of zero points.
fn zero_points(rows: usize, units: &[scaled::Parameters]) -> Vec<u8> {
    let groups = units.len().checked_div(rows).unwrap_or(0);
    let mut plane = vec![0; rows.div_ceil(ZERO_POINT_ROWS as usize) * groups * 4];
    for (i, unit) in units.iter().enumerate() {
        scaled::put_code(&mut plane, scaled::zero_point_index(i / groups, i % groups, groups), 4, unit.zero);
    }
    plane
}

fn count(errors: &mut Errors, x: &[f32], meaning: &[f32]) {
    for (x, meaning) in x.iter().zip(meaning) {
        // What was kept although it is not finite is no error of the format.
        if x.is_finite() {
            errors.count(*x, *meaning);
        }
    }
}

fn sum(mut a: Errors, b: Errors) -> Errors {
    a.add(&b);
    a
}

/// The values of a tensor of `elements` values in rows of `row_len`.
#[must_use]
pub fn decode(format: &Format, planes: &[Vec<u8>], elements: usize, row_len: usize) -> Vec<f32> {
    let mut x = vec![0.0; elements];
    match format.storage {
        Storage::Block(block) => {
            let (len, bytes) = (block.len as usize, block.bytes as usize);
            (x.par_chunks_mut(len), planes[0].par_chunks(bytes)).into_par_iter().for_each(|(x, b)| (block.decode)(b, x));
        }
        Storage::Scaled(card) => {
            let rows = elements.checked_div(row_len).unwrap_or(0);
            let unit_len = card.unit_len(rows as u64, row_len as u64) as usize;
            let groups = row_len.checked_div(unit_len).unwrap_or(0);
            let scales = if card.half_scales { super::Element::F16 } else { super::Element::F32 }.widen(&planes[1]);
            x.par_iter_mut().enumerate().for_each(|(i, x)| {
                let unit = i / unit_len;
                let zero = match planes.get(2) {
                    Some(plane) => scaled::take_code(plane, scaled::zero_point_index(unit / groups, unit % groups, groups), 4),
                    None => 0,
                };
                *x = (scaled::take_code(&planes[0], i, card.bits) - zero) as f32 * scales[unit];
            });
        }
    }
    x
}
