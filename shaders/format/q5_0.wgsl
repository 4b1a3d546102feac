// Q5_0: 32 weights in 22 bytes: f16 d, 32 fifth bits, 16 bytes of two codes. x = d (q - 16).
// Source: ggml, quantize_row_q5_0_ref without FMA; the scheme is `lib/anchored`.
#import lib/exact
#import lib/anchored
#import lib/nibbles
#import lib/bits

const BLOCK_LEN: u32 = 32u;
const BLOCK_BYTES: u32 = 22u;
const BLOCK_WORDS: u32 = 6u;
const OVERFLOW: u32 = INFINITY_BITS; // magnitudes from here on the format cannot hold
const LARGEST: u32 = LARGEST_FINITE_BITS;
const QUADS: u32 = 8u;
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
    var least = vec4(FRACTION_MASK);
    // Written out: a loop that compilers leave a loop puts the arrays into memory, which takes twice as long.
    let c0 = code_quad(scheme, (*x)[0], &least);
    let c1 = code_quad(scheme, (*x)[1], &least);
    let c2 = code_quad(scheme, (*x)[2], &least);
    let c3 = code_quad(scheme, (*x)[3], &least);
    let c4 = code_quad(scheme, (*x)[4], &least);
    let c5 = code_quad(scheme, (*x)[5], &least);
    let c6 = code_quad(scheme, (*x)[6], &least);
    let c7 = code_quad(scheme, (*x)[7], &least);
    let fifths = fifth_bits(c0) | (fifth_bits(c1) << 4u) | (fifth_bits(c2) << 8u) | (fifth_bits(c3) << 12u)
        | (fifth_bits(c4) << 16u) | (fifth_bits(c5) << 20u) | (fifth_bits(c6) << 24u) | (fifth_bits(c7) << 28u);
    let w0 = nibble_word(c0, c4);
    let w1 = nibble_word(c1, c5);
    let w2 = nibble_word(c2, c6);
    let w3 = nibble_word(c3, c7);
    (*words)[0] = half_bits(magnitude(scheme.d)) | ((scheme.d >> 16u) & 0x8000u) | (fifths << 16u);
    (*words)[1] = (fifths >> 16u) | (w0 << 16u);
    (*words)[2] = (w0 >> 16u) | (w1 << 16u);
    (*words)[3] = (w1 >> 16u) | (w2 << 16u);
    (*words)[4] = (w2 >> 16u) | (w3 << 16u);
    (*words)[5] = w3 >> 16u;
    if measure && !scheme.exact {
        measure_block(scheme, x, errors);
    }
    return any_doubtful(least);
}

fn code_quad(scheme: Scheme, x: vec4<u32>, least: ptr<function, vec4<u32>>) -> vec4<u32> {
    let proposed = propose(scheme, x);
    *least = min(*least, proposed & vec4(FRACTION_MASK));
    return proposed >> vec4(FRACTION_BITS);
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
