// Q5_1: 32 weights in 24 bytes: f16 d, f16 m, 32 fifth bits, 16 bytes of two codes. x = d q + m.
// Source: ggml, quantize_row_q5_1_ref without FMA; the scheme is `lib/ranged`.
#import lib/exact
#import lib/ranged
#import lib/nibbles
#import lib/bits

const BLOCK_BYTES: u32 = 24u;
const BLOCK_WORDS: u32 = 6u;
const CODE_PARTS: u32 = 2u;
const STEPS: u32 = 31u;
// For `lib/propose`: 2^5 has steps of 2^-18; 8 of them are more than 12 * 2^-24 * 31 (5.9 of them: the difference costs 3
// more than lib/propose counts), half of a step for the reference's own sum, and one.
const FRACTION_BITS: u32 = 18u;
const OFFSET: i32 = 0;
const DOUBT: u32 = 8u;
const BIAS: f32 = 32.500030517578125;

// Proposes a block, and says whether some of its codes are in doubt.
fn encode(
    scheme: Scheme,
    x: ptr<function, array<vec4<u32>, QUADS>>,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> bool {
    let codes = proposed_nibbles(scheme, x);
    (*words)[0] = half_bits(scheme.d) | (half_bits(magnitude(scheme.lowest)) << 16u) | (scheme.lowest & 0x80000000u);
    (*words)[1] = codes.fifths;
    (*words)[2] = codes.words.x;
    (*words)[3] = codes.words.y;
    (*words)[4] = codes.words.z;
    (*words)[5] = codes.words.w;
    if measure && !scheme.exact {
        measure_block(scheme, x, errors);
    }
    return codes.doubtful;
}

// Where the code of element i lies in its block.
fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    if part == 1u {
        return Bits(4u + (i >> 3u), i & 7u, 1u, code >> 4u);
    }
    return Bits(8u + (i & 15u), (i >> 4u) * 4u, 4u, code & 15u);
}

// Four values of a block from its words.
fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let scale = bitcast<f32>(signed_half((*words)[0]));
    let offset = bitcast<f32>(signed_half((*words)[0] >> 16u));
    let word = (*words)[2u + (q & 3u)];
    let fifths = (*words)[1];
    return bitcast<vec4<u32>>(vec4<f32>(with_fifth_bits(nibbles(word, q), fifths, q)) * scale + vec4(offset));
}
