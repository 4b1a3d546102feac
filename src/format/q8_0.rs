//! Q8_0 of ggml: 32 weights and one f16 scale in 34 bytes, 8.5 bits a weight.

use half::f16;

use super::{Block, Format, Range, Storage};

const LEN: usize = 32;

pub(super) const Q8_0: Format = Format {
    family: "q8_0",
    nominal_bits: 8,
    storage: Storage::Block(Block { len: LEN as u32, bytes: 34, scale_bytes: 2, run_len: LEN as u32, encode, decode }),
    wgsl: "format/q8_0",
    range: Range::F32,
    holds_non_finite: false,
    picture: "| d: f16 | q0: i8 | q1: i8 | ... | q31: i8 |",
    source: "ggml without FMA, quantize_row_q8_0_ref: d = amax / 127, q = roundf(x * (1 / d))",
};

fn encode(x: &[f32], bytes: &mut [u8]) {
    let largest = x.iter().fold(0.0_f32, |a, x| a.max(x.abs()));
    let d = largest / 127.0;
    let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
    bytes[..2].copy_from_slice(&f16::from_f32(d).to_le_bytes());
    for (byte, x) in bytes[2..].iter_mut().zip(x) {
        // An infinite 1/d (d under 2^-128) makes products that C's cast to an integer takes for 0.
        let code = if inverse.is_infinite() { 0.0 } else { (x * inverse).round() };
        *byte = (code as i8) as u8;
    }
}

fn decode(bytes: &[u8], x: &mut [f32]) {
    let d = f16::from_le_bytes([bytes[0], bytes[1]]).to_f32();
    for (x, byte) in x.iter_mut().zip(&bytes[2..]) {
        *x = f32::from(*byte as i8) * d;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let mut x = [0.0; LEN];
        (x[0], x[1], x[2], x[3]) = (127.0, -63.5, 0.5, -0.49);
        let mut bytes = [0; 34];
        encode(&x, &mut bytes);
        assert_eq!(bytes[..6], [0x00, 0x3c, 127, (-64_i8) as u8, 1, 0], "d = 1; ties go away from zero");
        let mut back = [0.0; LEN];
        decode(&bytes, &mut back);
        assert_eq!(back[..4], [127.0, -64.0, 1.0, 0.0]);
    }

    #[test]
    fn a_block_of_zeros_is_zeros() {
        let mut bytes = [1; 34];
        encode(&[0.0; LEN], &mut bytes);
        assert_eq!(bytes, [0; 34]);
    }
}
