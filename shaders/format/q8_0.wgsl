// Q8_0: 32 weights in 34 bytes: f16 d, then 32 signed bytes. x = d q.
// Source: ggml, quantize_row_q8_0_ref: d = amax / 127, q = roundf(x * (1 / d)), with the unrounded d.
#import lib/exact
#import lib/measure_block
#import lib/bits

const BLOCK_LEN: u32 = 32u;
const BLOCK_BYTES: u32 = 34u;
const BLOCK_WORDS: u32 = 9u;
const OVERFLOW: u32 = INFINITY_BITS; // magnitudes from here on the format cannot hold
const LARGEST: u32 = LARGEST_FINITE_BITS;
const QUADS: u32 = 8u;
const CODE_PARTS: u32 = 1u;
// For `lib/propose`: 1.5 * 2^9 has steps of 2^-14; 3 of them are more than 9 * 2^-24 * 128 (1.2 of them) and one.
const FRACTION_BITS: u32 = 14u;
const OFFSET: i32 = 256;
const DOUBT: u32 = 3u;
const BIAS: f32 = 768.50018310546875; // 768 + 1/2 + 3 * 2^-14

// What a block's codes are chosen with.
struct Scheme {
    exact: bool,  // floats cannot decide any code: the block is too small, or what d means is not finite
    d: u32,       // amax / 127
    scale: u32,   // the stored d, widened
    inverse: f32, // about 1 / d
}

fn scheme_of(x: ptr<function, array<vec4<u32>, QUADS>>, largest: u32) -> Scheme {
    let d = quotient_by(largest, 127u);
    let scale = widened_half(half_bits(d));
    // Below 2^-95 an adapter that flushes subnormals would lose bits of the values or of 1/d.
    let small = largest < 0x10000000u;
    let exact = largest != 0u && (small || scale == 0u || scale == INFINITY_BITS);
    return Scheme(exact, d, scale, select(1.0 / bitcast<f32>(d), 0.0, small));
}

// Proposes a block, and says whether some of its codes are in doubt.
fn encode(
    scheme: Scheme,
    x: ptr<function, array<vec4<u32>, QUADS>>,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> bool {
    var least = vec4(FRACTION_MASK);
    (*words)[0] = half_bits(scheme.d);
    // Written out: a loop that compilers leave a loop puts the arrays into memory, which takes twice as long.
    encode_quad(scheme, (*x)[0], 0u, words, &least);
    encode_quad(scheme, (*x)[1], 1u, words, &least);
    encode_quad(scheme, (*x)[2], 2u, words, &least);
    encode_quad(scheme, (*x)[3], 3u, words, &least);
    encode_quad(scheme, (*x)[4], 4u, words, &least);
    encode_quad(scheme, (*x)[5], 5u, words, &least);
    encode_quad(scheme, (*x)[6], 6u, words, &least);
    encode_quad(scheme, (*x)[7], 7u, words, &least);
    if measure && !scheme.exact {
        measure_block(scheme, x, errors);
    }
    return any_doubtful(least);
}

fn encode_quad(
    scheme: Scheme,
    x: vec4<u32>,
    q: u32,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    least: ptr<function, vec4<u32>>,
) {
    let proposed = propose(scheme, x);
    *least = min(*least, proposed & vec4(FRACTION_MASK));
    let bytes = (proposed >> vec4(FRACTION_BITS)) & vec4(0xffu);
    let word = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
    (*words)[q] |= word << 16u;
    (*words)[q + 1u] = word >> 16u;
}

fn propose(scheme: Scheme, x: vec4<u32>) -> vec4<u32> {
    return proposal(bitcast<vec4<f32>>(x) * scheme.inverse);
}

fn settled_code(scheme: Scheme, x: u32) -> u32 {
    // ggml takes 1/0 for 0; an infinite 1/d it casts to integers, which gives 0 too.
    let inverse = quotient(0x3f800000u, scheme.d); // 1 / d
    if scheme.d == 0u || inverse == INFINITY_BITS {
        return 0u;
    }
    let code = nearest_away(product(magnitude(x), inverse));
    return select(code, 0u - code, x >= 0x80000000u) & 0xffu;
}

// Where the code of element i lies in its block.
fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    return Bits(2u + i, 0u, 8u, code);
}

fn decoded_code(scheme: Scheme, code: u32) -> f32 {
    return f32(bitcast<i32>(code << 24u) >> 24u) * bitcast<f32>(scheme.scale);
}

// Four values of a block from its words.
fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let scale = bitcast<f32>(widened_half((*words)[0] & 0xffffu));
    let word = ((*words)[q] >> 16u) | ((*words)[q + 1u] << 16u);
    return bitcast<vec4<u32>>(vec4<f32>(unpack4xI8(word)) * scale);
}
