//! Q5_0 of ggml: 32 weights and one f16 scale in 22 bytes, 5.5 bits a weight. The value of the largest magnitude gets the lowest
//! code.

use half::f16;

use super::{Block, Format, Range, Storage};

pub(super) const Q5_0: Format = Format {
    family: "q5_0",
    nominal_bits: 5,
    storage: Storage::Block(Block { len: 32, bytes: 22, scale_bytes: 2, run_len: 32, encode, decode }),
    wgsl: "format/q5_0",
    range: Range::F32,
    holds_non_finite: false,
    picture: "| d: f16 | fifth bits: 32 | q16, q0: lower 4 bits each | q17, q1 | ... | q31, q15 |",
    source: "ggml without FMA, quantize_row_q5_0_ref: d = first of the largest / -16, q = trunc(x * (1 / d) + 16.5), at most 31",
};

fn encode(x: &[f32], bytes: &mut [u8]) {
    let mut largest = 0.0_f32;
    for x in x {
        if x.abs() > largest.abs() {
            largest = *x;
        }
    }
    let d = largest / -16.0;
    let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
    bytes[..2].copy_from_slice(&f16::from_f32(d).to_le_bytes());
    bytes[2..].fill(0);
    for (i, x) in x.iter().enumerate() {
        let code = code(*x, inverse);
        bytes[2 + i / 8] |= (code >> 4) << (i % 8);
        bytes[6 + i % 16] |= (code & 15) << (i / 16 * 4);
    }
}

/// An infinite 1/d (d under 2^-128) makes sums that C's cast to an integer takes for 0.
fn code(x: f32, inverse: f32) -> u8 {
    if inverse.is_infinite() { 0 } else { ((x * inverse + 16.5) as u8).min(31) }
}

fn decode(bytes: &[u8], x: &mut [f32]) {
    let d = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
    for (i, x) in x.iter_mut().enumerate() {
        let code = bytes[6 + i % 16] >> (i / 16 * 4) & 15 | (bytes[2 + i / 8] >> (i % 8) & 1) << 4;
        *x = f32::from(code as i8 - 16) * d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let mut x = [0.0; 32];
        (x[0], x[1], x[2], x[16], x[17]) = (-16.0, 16.0, 0.5, 1.49, -0.5);
        let mut bytes = [0; 22];
        encode(&x, &mut bytes);
        assert_eq!(bytes[..2], [0x00, 0x3c], "d = 1, from the first of two of one size");
        let mut back = [0.0; 32];
        decode(&bytes, &mut back);
        assert_eq!([back[0], back[1], back[2], back[16], back[17]], [-16.0, 15.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn a_block_of_zeros_is_zeros() {
        let mut bytes = [1; 22];
        encode(&[0.0; 32], &mut bytes);
        assert_eq!(bytes[..2], [0x00, 0x80], "0 / -16 is -0");
        let mut back = [1.0; 32];
        decode(&bytes, &mut back);
        assert_eq!(back, [0.0; 32]);
    }
}
