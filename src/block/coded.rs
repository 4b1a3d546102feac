//! Matrices in a format's codes, multiplied as they are stored: no copy of them in floats is made.

use std::collections::BTreeSet;

use super::kernels::check_binding;
use crate::error::{Error, Result};
use crate::format::{self, Format, Scaled, Storage, Unit};
use crate::gpu::{BINDING, Gpu, Program, Recording, Window};
use crate::tensor::{Kind, Plane, Tensor};

crate::params!(
    /// `struct Params` of `block/matmul_coded.wgsl`.
    CodedParams { m, n, k, add, quads, unit_len, groups, unit_base, zero_first }
);

/// Rows of either matrix that a workgroup takes, and its threads.
const A_ROWS: u64 = 4;
const B_ROWS: u64 = 16;
const LANES: u64 = 64;

/// A matrix in a format: a window a plane, in the order of [`Format::planes`].
#[derive(Clone, Debug)]
pub struct Coded<'a> {
    format: Format,
    planes: Vec<Window<'a>>,
}

impl<'a> Coded<'a> {
    /// Of planes, each of which begins where its window does.
    #[must_use]
    pub fn new(format: Format, planes: Vec<Window<'a>>) -> Self {
        Self { format, planes }
    }

    /// Of a tensor, as [`crate::quantize::quantize`] makes it.
    ///
    /// # Errors
    /// [`Error::Shape`] where it holds no codes, or padded rows; [`Error::TooLarge`] where a plane is more than one window can show.
    pub fn of(gpu: &Gpu, tensor: &'a Tensor) -> Result<Self> {
        let Kind::Coded(format) = tensor.kind else {
            return Err(shape(&tensor.label, "a format's codes".into(), format!("{:?}", tensor.kind)));
        };
        if tensor.shape.last() != Some(&tensor.row_len) {
            return Err(shape(&tensor.label, "rows that are not padded".into(), format!("rows of {}", tensor.row_len)));
        }
        let whole = |plane: &'a Plane| {
            plane.view(gpu, &(0..plane.bytes)).filter(|view| view.skip == 0).map(|view| view.window).ok_or(Error::TooLarge {
                what: format!("{}.{}", tensor.label, plane.part),
                asked: plane.bytes,
                limit: gpu.limits().max_storage_buffer_binding_size,
                limited_by: BINDING,
            })
        };
        Ok(Self { format, planes: tensor.planes.iter().map(whole).collect::<Result<_>>()? })
    }

    /// Whether the kernels can read `rows` rows of `row_len` values in a format.
    ///
    /// # Errors
    /// [`Error::Shape`] where runs of the format's kernel do not fill a row, or there are 2^32 values or more.
    pub fn check(format: &Format, [rows, row_len]: [u64; 2]) -> Result<()> {
        let (run, group) = (run(format), format.group_len());
        let whole = row_len.is_multiple_of(run.max(group)) && (group.is_multiple_of(run) || run.is_multiple_of(group));
        if whole && row_len > 0 && rows.checked_mul(row_len).is_some_and(|all| all < 1 << 32) {
            return Ok(());
        }
        let want = format!("rows of a multiple of {} values, and less than 2^32 values", run.max(group));
        Err(shape(&format!("a matrix in {format}"), want, format!("[{rows}, {row_len}]")))
    }

    /// c = a b', or c += a b', where b is this matrix, [n, k].
    pub(super) fn product(
        &self,
        gpu: &Gpu,
        recording: &mut Recording<'_>,
        [a, c]: [Window<'_>; 2],
        [m, n, k]: [u64; 3],
        add: bool,
    ) -> Result<()> {
        Self::check(&self.format, [n, k])?;
        let (names, want): (Vec<_>, Vec<_>) = self.format.planes(n, k).into_iter().unzip();
        let got: Vec<u64> = self.planes.iter().map(Window::bytes).collect();
        if got.len() != want.len() || got.iter().zip(&want).any(|(got, want)| got < want) {
            let what = format!("a matrix [{n}, {k}] in {}", self.format);
            return Err(shape(&what, format!("planes of {want:?} bytes"), format!("{got:?}")));
        }
        check_binding(gpu, "a plane of a matrix", got.into_iter().max().unwrap_or(0))?;
        // Values that share a scale, and units in a row.
        let [unit_len, groups] = match self.format.storage {
            Storage::Scaled(Scaled { unit: Unit::Group(len), .. }) => [u64::from(len), k / u64::from(len)],
            Storage::Scaled(Scaled { unit: Unit::Row, .. }) => [k, 1],
            // A unit that no row ends, and that each row begins at.
            _ => [u64::from(u32::MAX), 0],
        };
        let params = CodedParams {
            m: m as u32,
            n: n as u32,
            k: k as u32,
            add: add.into(),
            quads: (run(&self.format) / 4) as u32,
            unit_len: unit_len as u32,
            groups: groups as u32,
            ..CodedParams::default()
        };
        let kernel = gpu.kernel::<CodedParams>("block/matmul_coded", &slots(&self.format))?;
        let mut windows: Vec<_> = names.into_iter().zip(self.planes.iter().cloned()).collect();
        windows.extend([("a", a), ("c", c)]);
        recording.dispatch(&kernel, &params, &windows, m.div_ceil(A_ROWS) * n.div_ceil(B_ROWS) * LANES)
    }
}

/// Values that a lane takes at once.
fn run(format: &Format) -> u64 {
    match format.storage {
        Storage::Block(block) => block.run_len.into(),
        Storage::Scaled(_) => 8,
    }
}

fn shape(what: &str, want: String, got: String) -> Error {
    Error::Shape { what: what.into(), want, got }
}

fn slots(format: &Format) -> Vec<(&'static str, &'static str)> {
    match format.storage {
        Storage::Block(_) => vec![("coded", "block/read/coded_blocks"), ("format", format.wgsl)],
        Storage::Scaled(card) => {
            vec![("coded", "block/read/coded_scaled"), ("format", format.wgsl), card.scales_slot(), card.zero_slot()]
        }
    }
}

/// The kernel for each format, in all of its variants.
pub(super) fn programs() -> Result<Vec<Program>> {
    // What variants share is made once.
    let all: BTreeSet<_> = format::all().iter().map(slots).collect();
    all.iter().map(|slots| Program::new::<CodedParams>("block/matmul_coded", slots)).collect()
}
