// Q5_0: 32 weights in 22 bytes: f16 d, 32 fifth bits, 16 bytes of two codes. x = d (q - 16).
// Source: ggml, quantize_row_q5_0_ref without FMA; the scheme is `lib/anchored`.
#import lib/exact
#import lib/anchored
#import lib/nibbles
#import lib/bits

const BLOCK_BYTES: u32 = 22u;
const BLOCK_WORDS: u32 = 6u;
const CODE_PARTS: u32 = 2u;
const ANCHOR: u32 = 16u;
// For `lib/propose`: 1.5 * 2^5 has steps of 2^-18; 5 of them are more than 9 * 2^-24 * 16 (2.3 of them), half of a step
// for the reference's own sum, and one.
const FRACTION_BITS: u32 = 18u;
const OFFSET: i32 = 16;
const DOUBT: u32 = 5u;
const BIAS: f32 = 48.50001907348633;

// Proposes a block, and says whether some of its codes are in doubt.
fn encode(
    scheme: Scheme,
    x: ptr<function, array<vec4<u32>, QUADS>>,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> bool {
    let codes = proposed_nibbles(scheme, x);
    (*words)[0] = half_bits(magnitude(scheme.d)) | ((scheme.d >> 16u) & 0x8000u) | (codes.fifths << 16u);
    (*words)[1] = (codes.fifths >> 16u) | (codes.words.x << 16u);
    (*words)[2] = (codes.words.x >> 16u) | (codes.words.y << 16u);
    (*words)[3] = (codes.words.y >> 16u) | (codes.words.z << 16u);
    (*words)[4] = (codes.words.z >> 16u) | (codes.words.w << 16u);
    (*words)[5] = codes.words.w >> 16u;
    if measure && !scheme.exact {
        measure_block(scheme, x, errors);
    }
    return codes.doubtful;
}

// Where the code of element i lies in its block.
fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    if part == 1u {
        return Bits(2u + (i >> 3u), i & 7u, 1u, code >> 4u);
    }
    return Bits(6u + (i & 15u), (i >> 4u) * 4u, 4u, code & 15u);
}

// Four values of a block from its words.
fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let scale = bitcast<f32>(signed_half((*words)[0]));
    let word = ((*words)[1u + (q & 3u)] >> 16u) | ((*words)[2u + (q & 3u)] << 16u);
    let fifths = ((*words)[0] >> 16u) | ((*words)[1] << 16u);
    let code = bitcast<vec4<i32>>(with_fifth_bits(nibbles(word, q), fifths, q)) - vec4(i32(ANCHOR));
    return bitcast<vec4<u32>>(vec4<f32>(code) * scale);
}
