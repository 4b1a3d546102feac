// Q4_0: 32 weights in 18 bytes: f16 d, then 16 bytes of two codes. x = d (q - 8).
// Source: ggml, quantize_row_q4_0_ref without FMA; the scheme is `lib/anchored`.
#import lib/exact
#import lib/anchored
#import lib/nibbles
#import lib/bits

const BLOCK_BYTES: u32 = 18u;
const BLOCK_WORDS: u32 = 5u;
const CODE_PARTS: u32 = 1u;
const ANCHOR: u32 = 8u;
// For `lib/propose`: 1.5 * 2^4 has steps of 2^-19; 5 of them are more than 9 * 2^-24 * 8 (2.3 of them), half of a step
// for the reference's own sum, and one.
const FRACTION_BITS: u32 = 19u;
const OFFSET: i32 = 8;
const DOUBT: u32 = 5u;
const BIAS: f32 = 24.500009536743164;

// Proposes a block, and says whether some of its codes are in doubt.
fn encode(
    scheme: Scheme,
    x: ptr<function, array<vec4<u32>, QUADS>>,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> bool {
    let codes = proposed_nibbles(scheme, x);
    (*words)[0] = half_bits(magnitude(scheme.d)) | ((scheme.d >> 16u) & 0x8000u) | (codes.words.x << 16u);
    (*words)[1] = (codes.words.x >> 16u) | (codes.words.y << 16u);
    (*words)[2] = (codes.words.y >> 16u) | (codes.words.z << 16u);
    (*words)[3] = (codes.words.z >> 16u) | (codes.words.w << 16u);
    (*words)[4] = codes.words.w >> 16u;
    if measure && !scheme.exact {
        measure_block(scheme, x, errors);
    }
    return codes.doubtful;
}

// Where the code of element i lies in its block.
fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    return Bits(2u + (i & 15u), (i >> 4u) * 4u, 4u, code);
}

// Four values of a block from its words.
fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let scale = bitcast<f32>(signed_half((*words)[0]));
    let word = ((*words)[(q & 3u)] >> 16u) | ((*words)[1u + (q & 3u)] << 16u);
    let code = bitcast<vec4<i32>>(nibbles(word, q)) - vec4(i32(ANCHOR));
    return bitcast<vec4<u32>>(vec4<f32>(code) * scale);
}
