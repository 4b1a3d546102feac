//! The block's kernels, called by what they do.

use crate::error::{Error, Result};
use crate::format::Element;
use crate::gpu::{BINDING, Buffer, Completed, Gpu, Program, Recording, Window};

use super::coded::{self, Coded};
use super::plan::BlockShape;
use super::{EPSILON, rotations};

crate::params!(
    /// `struct Params` of `block/params.wgsl`; the floats as their bits.
    BlockParams {
        m, n, k, a_row, a_column, b_row, b_column, add, rows, width, batch, tokens, keys, offset, heads, group, dim, scale, epsilon, sign,
    }
);

/// Threads that work on a row together: LANES of `block/sum.wgsl`.
const LANES: u64 = 64;
/// The widest head: SLOTS x LANES of `block/tile.wgsl`.
const MOST_DIM: u64 = 512;

const NAMES: [&str; 12] = [
    "norm_back",
    "norm_weight_back",
    "rotate",
    "scores",
    "scores_back",
    "mix",
    "mix_back",
    "flash_back_query",
    "flash_back_key",
    "gate",
    "gate_back",
    "store_bf16",
];

/// The file that fills a slot: how what is read there is stored.
fn reading(slot: &'static str, element: Element) -> (&'static str, &'static str) {
    let file = match (slot, element) {
        ("matrix", Element::Bf16) => "block/read/matrix_bf16",
        ("matrix", _) => "block/read/matrix_f32",
        ("scale", Element::Bf16) => "block/read/scale_bf16",
        ("scale", _) => "block/read/scale_f32",
        (_, Element::Bf16) => "block/read/cache_bf16",
        _ => "block/read/cache_f32",
    };
    (slot, file)
}

/// The kernels whose reading is chosen, and their slots.
const READERS: [(&str, &str); 3] = [("matmul", "matrix"), ("norm", "scale"), ("flash", "cache")];

/// What can be read.
pub(super) fn check_element(element: Element) -> Result<()> {
    match element {
        Element::F32 | Element::Bf16 => Ok(()),
        Element::F16 => Err(Error::Unsupported {
            what: "the block".into(),
            need: "weights and caches in F32 or BF16".into(),
            have: "F16".into(),
        }),
    }
}

/// Every kernel, checked and not compiled: for tools that look at the shaders without a GPU.
///
/// # Errors
/// [`Error::Shader`] where one does not link or is out of step with its host side.
pub fn programs() -> Result<Vec<Program>> {
    let mut programs = Vec::new();
    for name in NAMES {
        programs.push(Program::new::<BlockParams>(&format!("block/{name}"), &[])?);
    }
    for ((name, slot), element) in READERS.into_iter().flat_map(|reader| [Element::F32, Element::Bf16].map(|e| (reader, e))) {
        programs.push(Program::new::<BlockParams>(&format!("block/{name}"), &[reading(slot, element)])?);
    }
    programs.extend(coded::programs()?);
    Ok(programs)
}

/// Refuses what the kernels cannot do: heads too wide, tensors of tokens that no binding holds. Matrices are asked about where they are multiplied.
/// `batch` sequences of `tokens` tokens that look back on up to `keys`.
pub(super) fn check(gpu: &Gpu, shape: &BlockShape, [batch, tokens, keys]: [u64; 3], naive: bool) -> Result<()> {
    shape.check()?;
    if !shape.gated || shape.head_dim > MOST_DIM {
        return Err(Error::Shape {
            what: "the block".into(),
            want: format!("a gated feed-forward part, and heads of at most {MOST_DIM} values"),
            got: format!("{shape:?}"),
        });
    }
    let widest = shape.ff.max(shape.query()).max(shape.hidden);
    let rows = batch.saturating_mul(tokens);
    let scores = if naive { rows.saturating_mul(shape.heads * keys) } else { 0 };
    let largest = widest.saturating_mul(rows).max(scores);
    check_binding(gpu, "the block's largest tensor", largest.saturating_mul(4))
}

/// The most bytes of a tensor that is bound as a whole, as these kernels do; they count bytes in 32 bits.
pub(super) fn most_bound(gpu: &Gpu) -> u64 {
    gpu.limits().max_storage_buffer_binding_size.min(gpu.limits().max_buffer_size).min(u32::MAX.into())
}

/// Whether a tensor of so many bytes can be.
pub(super) fn check_binding(gpu: &Gpu, what: &str, asked: u64) -> Result<()> {
    let limit = most_bound(gpu);
    if asked > limit {
        return Err(Error::TooLarge { what: what.into(), asked, limit, limited_by: BINDING });
    }
    Ok(())
}

/// Cosines and sines of the positions that a block may be given, on the device.
pub(super) fn turns(gpu: &Gpu, shape: &BlockShape, positions: u64) -> Result<Buffer<f32>> {
    let table: Vec<f32> = rotations(shape.head_dim, positions).into_iter().flatten().map(|x| x as f32).collect();
    let buffer = gpu.buffer("scratch/rotations", table.len() as u64)?;
    let mut recording = gpu.record("the block's rotations");
    recording.upload(&buffer, 0, bytemuck::cast_slice(&table));
    recording.run()?;
    Ok(buffer)
}

/// Where the values of a matrix are.
#[derive(Clone)]
enum Stored<'w> {
    Plain(Window<'w>, Element),
    Coded(Coded<'w>),
}

/// A matrix: its values, and the elements from row to row and from column to column. The right one of a product may be stored otherwise than
/// in F32.
#[derive(Clone)]
pub(super) struct Matrix<'w> {
    stored: Stored<'w>,
    rows: u64,
    columns: u64,
    strides: [u64; 2],
}

impl<'w> Matrix<'w> {
    pub(super) fn new(window: Window<'w>, rows: u64, columns: u64) -> Self {
        Self::plain(window, Element::F32, rows, columns)
    }

    pub(super) fn plain(window: Window<'w>, element: Element, rows: u64, columns: u64) -> Self {
        Self { stored: Stored::Plain(window, element), rows, columns, strides: [columns, 1] }
    }

    /// In a format's codes; it can be read transposed only.
    pub(super) fn coded(coded: Coded<'w>, rows: u64, columns: u64) -> Self {
        Self { stored: Stored::Coded(coded), rows, columns, strides: [columns, 1] }
    }

    pub(super) fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Self { rows: self.columns, columns: self.rows, strides: [column, row], ..self }
    }
}

/// Dispatches being recorded, on `batch` sequences of `tokens` tokens that look back on up to `keys` keys, the first at position `offset`.
pub(super) struct Work<'a> {
    gpu: &'a Gpu,
    recording: Recording<'a>,
    params: BlockParams,
    rows: u64,
}

impl<'a> Work<'a> {
    pub(super) fn new(gpu: &'a Gpu, shape: &BlockShape, [batch, tokens, keys, offset]: [u64; 4]) -> Self {
        let params = BlockParams {
            rows: (batch * tokens) as u32,
            batch: batch as u32,
            tokens: tokens as u32,
            keys: keys as u32,
            offset: offset as u32,
            heads: shape.heads as u32,
            group: (shape.heads / shape.kv_heads) as u32,
            dim: shape.head_dim as u32,
            scale: ((shape.head_dim as f64).sqrt().recip() as f32).to_bits(),
            epsilon: (EPSILON as f32).to_bits(),
            ..BlockParams::default()
        };
        Self { gpu, recording: gpu.record("the block"), params, rows: batch * tokens }
    }

    pub(super) fn run(self) -> Result<Completed> {
        self.recording.run()
    }

    pub(super) fn copy<T: bytemuck::Pod>(&mut self, from: &Buffer<f32>, from_at: u64, to: &Buffer<T>, to_at: u64, values: u64) {
        self.recording.copy(from, 4 * from_at, to, 4 * to_at, 4 * values);
    }

    fn call(&mut self, name: &str, params: &BlockParams, windows: &[(&str, Window<'_>)], invocations: u64) -> Result<()> {
        self.call_reading(name, Element::F32, params, windows, invocations)
    }

    /// A kernel, what its slot reads being stored as `element`.
    fn call_reading(
        &mut self,
        name: &str,
        element: Element,
        params: &BlockParams,
        windows: &[(&str, Window<'_>)],
        invocations: u64,
    ) -> Result<()> {
        let slots: Vec<_> =
            READERS.iter().filter(|(reader, _)| *reader == name).map(|(_, slot)| reading(slot, element)).collect();
        let kernel = self.gpu.kernel::<BlockParams>(&format!("block/{name}"), &slots)?;
        self.recording.dispatch(&kernel, params, windows, invocations)
    }

    /// Flash attention over keys and values that are stored as `element`.
    pub(super) fn flash(&mut self, windows: &[(&str, Window<'_>)], queries: u64, element: Element) -> Result<()> {
        let params = self.params;
        self.call_reading("flash", element, &params, windows, queries * LANES)
    }

    /// Puts keys or values of `width` into a cache of BF16.
    pub(super) fn store(&mut self, x: Window<'_>, to: Window<'_>, width: u64) -> Result<()> {
        let params = BlockParams { width: width as u32, ..self.params };
        self.call("store_bf16", &params, &[("x", x), ("to", to)], self.rows * width / 2)
    }

    /// The kernels of heads: a workgroup for each of `units`, or an invocation.
    pub(super) fn heads(&mut self, name: &str, windows: &[(&str, Window<'_>)], units: u64, grouped: bool) -> Result<()> {
        let params = self.params;
        self.call(name, &params, windows, units * if grouped { LANES } else { 1 })
    }

    /// c = a b, or c += a b.
    pub(super) fn matmul(&mut self, a: &Matrix<'_>, b: &Matrix<'_>, c: Window<'_>, add: bool) -> Result<()> {
        debug_assert_eq!(a.columns, b.rows, "inner widths");
        let Stored::Plain(a_window, Element::F32) = &a.stored else { unreachable!("the left matrix of a product is in F32") };
        let (b_window, element) = match &b.stored {
            Stored::Plain(window, element) => (window, *element),
            Stored::Coded(coded) => {
                debug_assert!(a.strides[1] == 1 && b.strides[0] == 1, "rows of both are multiplied");
                let sizes = [a.rows, b.columns, a.columns];
                return coded.product(self.gpu, &mut self.recording, [a_window.clone(), c], sizes, add);
            }
        };
        check_binding(self.gpu, "a matrix", b_window.bytes())?;
        let [m, n, k] = [a.rows, b.columns, a.columns].map(|x| x as u32);
        let ([a_row, a_column], [b_row, b_column]) = (a.strides.map(|x| x as u32), b.strides.map(|x| x as u32));
        let params = BlockParams { m, n, k, a_row, a_column, b_row, b_column, add: add.into(), ..self.params };
        let windows = [("a", a_window.clone()), ("b", b_window.clone()), ("c", c)];
        self.call_reading("matmul", element, &params, &windows, a.rows.div_ceil(4) * b.columns.div_ceil(4))
    }

    /// y = the normalization of x; `element` is what the weight is stored as.
    pub(super) fn norm(&mut self, [x, weight, y]: [Window<'_>; 3], width: u64, element: Element) -> Result<()> {
        let params = BlockParams { width: width as u32, ..self.params };
        self.call_reading("norm", element, &params, &[("x", x), ("weight", weight), ("y", y)], self.rows * LANES)
    }

    /// dx += the gradient of a normalization's input; `dweight` = that of its weight; `r` is scratch of a value a row.
    pub(super) fn norm_back(&mut self, [x, weight, dy, dx, r, dweight]: [Window<'_>; 6], width: u64) -> Result<()> {
        let params = BlockParams { width: width as u32, ..self.params };
        let windows = [("x", x.clone()), ("weight", weight), ("dy", dy.clone()), ("dx", dx), ("r", r.clone())];
        self.call("norm_back", &params, &windows, self.rows * LANES)?;
        self.call("norm_weight_back", &params, &[("x", x), ("dy", dy), ("r", r), ("dweight", dweight)], width)
    }

    /// Turns heads by their positions, back with sign -1.
    pub(super) fn rotate(&mut self, turns: &Buffer<f32>, values: Window<'_>, width: u64, sign: f32) -> Result<()> {
        let params = BlockParams { width: width as u32, sign: sign.to_bits(), ..self.params };
        self.call("rotate", &params, &[("turns", turns.window()), ("values", values)], self.rows * width / 2)
    }

    /// An element-wise kernel on tensors of `width` values a token.
    pub(super) fn each(&mut self, name: &str, windows: &[(&str, Window<'_>)], width: u64) -> Result<()> {
        let params = BlockParams { width: width as u32, ..self.params };
        self.call(name, &params, windows, self.rows * width)
    }
}
