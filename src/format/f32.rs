//! F32: IEEE binary32, as it is.

use super::{Block, Format, Range, Storage};

pub(super) const F32: Format = Format {
    family: "f32",
    nominal_bits: 32,
    storage: Storage::Block(Block { len: 1, bytes: 4, scale_bytes: 0, run_len: 4, encode, decode }),
    wgsl: "format/f32",
    range: Range::F32,
    holds_non_finite: true,
    picture: "| f32 |",
    source: "IEEE 754 binary32",
};

fn encode(x: &[f32], bytes: &mut [u8]) {
    bytes.copy_from_slice(&x[0].to_le_bytes());
}

fn decode(bytes: &[u8], x: &mut [f32]) {
    x[0] = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
}
