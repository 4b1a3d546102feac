// Q4_1: 32 weights in 20 bytes: f16 d, f16 m, then 16 bytes of two codes. x = d q + m.
// Source: ggml, quantize_row_q4_1_ref without FMA; the scheme is `lib/ranged`.
#import lib/exact
#import lib/ranged
#import lib/nibbles
#import lib/bits

const BLOCK_BYTES: u32 = 20u;
const BLOCK_WORDS: u32 = 5u;
const CODE_PARTS: u32 = 1u;
const STEPS: u32 = 15u;
// For `lib/propose`: 2^4 has steps of 2^-19; 8 of them are more than 12 * 2^-24 * 15 (5.7 of them: the difference costs 3
// more than lib/propose counts), half of a step for the reference's own sum, and one.
const FRACTION_BITS: u32 = 19u;
const OFFSET: i32 = 0;
const DOUBT: u32 = 8u;
const BIAS: f32 = 16.500015258789062;

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
    (*words)[1] = codes.words.x;
    (*words)[2] = codes.words.y;
    (*words)[3] = codes.words.z;
    (*words)[4] = codes.words.w;
    if measure && !scheme.exact {
        measure_block(scheme, x, errors);
    }
    return codes.doubtful;
}

// Where the code of element i lies in its block.
fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    return Bits(4u + (i & 15u), (i >> 4u) * 4u, 4u, code);
}

// Four values of a block from its words.
fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let scale = bitcast<f32>(signed_half((*words)[0]));
    let offset = bitcast<f32>(signed_half((*words)[0] >> 16u));
    let word = (*words)[1u + (q & 3u)];
    return bitcast<vec4<u32>>(vec4<f32>(nibbles(word, q)) * scale + vec4(offset));
}
