//! Q4_1 of ggml: 32 weights, one f16 scale and one f16 minimum in 20 bytes, 5 bits a weight.

use half::f16;

use super::{Block, Format, Range, Storage};

pub(super) const Q4_1: Format = Format {
    family: "q4_1",
    nominal_bits: 4,
    storage: Storage::Block(Block { len: 32, bytes: 20, scale_bytes: 4, run_len: 32, encode, decode }),
    wgsl: "format/q4_1",
    range: Range::F32,
    holds_non_finite: false,
    picture: "| d: f16 | m: f16 | q16, q0: 4 bits each | q17, q1 | ... | q31, q15 |",
    source: "ggml without FMA, quantize_row_q4_1_ref: d = (max - min) / 15, m = min, q = trunc((x - min) * (1 / d) + 0.5), at most 15",
};

fn encode(x: &[f32], bytes: &mut [u8]) {
    // Compared so that of two equal values, as zeros of both signs are, the first is kept.
    let low = x.iter().fold(f32::MAX, |low, x| if *x < low { *x } else { low });
    let high = x.iter().fold(f32::MIN, |high, x| if *x > high { *x } else { high });
    let d = (high - low) / 15.0;
    bytes[..2].copy_from_slice(&f16::from_f32(d).to_le_bytes());
    bytes[2..4].copy_from_slice(&f16::from_f32(low).to_le_bytes());
    bytes[4..].fill(0);
    for (i, x) in x.iter().enumerate() {
        bytes[4 + i % 16] |= code(*x - low, d) << (i / 16 * 4);
    }
}

/// Where d or 1/d is infinite, the codes that C defines are 0, and so are the others here.
fn code(above: f32, d: f32) -> u8 {
    let inverse = if d == 0.0 { 0.0 } else { 1.0 / d };
    if inverse.is_infinite() || d.is_infinite() { 0 } else { ((above * inverse + 0.5) as u8).min(15) }
}

fn decode(bytes: &[u8], x: &mut [f32]) {
    let half = |at: usize| f16::from_le_bytes([bytes[at], bytes[at + 1]]).to_f32();
    let (d, m) = (half(0), half(2));
    for (i, x) in x.iter_mut().enumerate() {
        let code = bytes[4 + i % 16] >> (i / 16 * 4) & 15;
        *x = f32::from(code) * d + m;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_by_hand() {
        let mut x = [0.0; 32];
        (x[0], x[1], x[2], x[16]) = (-2.0, 13.0, 0.5, -1.51);
        let mut bytes = [0; 20];
        encode(&x, &mut bytes);
        assert_eq!(bytes[..4], [0x00, 0x3c, 0x00, 0xc0], "d = 1, m = -2");
        let mut back = [0.0; 32];
        decode(&bytes, &mut back);
        assert_eq!([back[0], back[1], back[2], back[3], back[16]], [-2.0, 13.0, 1.0, 0.0, -2.0]);
    }

    #[test]
    fn a_block_of_zeros_keeps_the_first_sign() {
        let mut x = [0.0; 32];
        x[0] = -0.0;
        let mut bytes = [1; 20];
        encode(&x, &mut bytes);
        assert_eq!((bytes[..4].to_vec(), bytes[4..].iter().all(|b| *b == 0)), (vec![0x00, 0x00, 0x00, 0x80], true));
    }
}
