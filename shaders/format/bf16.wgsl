// BF16: the upper 16 bits of an F32, rounded to nearest even. Sixteen values, 32 bytes, are one block here.
// Source: IEEE 754 round to nearest even; a NaN keeps its sign and upper payload and is made quiet, as ggml and `half` do.
#import lib/exact
#import lib/errors
#import lib/propose
#import lib/bits

const BLOCK_LEN: u32 = 16u;
const BLOCK_BYTES: u32 = 32u;
const BLOCK_WORDS: u32 = 8u;
const OVERFLOW: u32 = INFINITY_BITS; // magnitudes from here on the format cannot hold
const LARGEST: u32 = LARGEST_FINITE_BITS;
const QUADS: u32 = 4u;
const CODE_PARTS: u32 = 1u;
// For `lib/propose`, which is never asked.
const FRACTION_BITS: u32 = 1u;
const OFFSET: i32 = 0;
const DOUBT: u32 = 0u;
const BIAS: f32 = 0.0;

// What a block's codes are chosen with: nothing, and floats are never asked.
struct Scheme {
    exact: bool, // never
}

fn scheme_of(x: ptr<function, array<vec4<u32>, QUADS>>, largest: u32) -> Scheme {
    return Scheme(false);
}

fn encode(
    scheme: Scheme,
    x: ptr<function, array<vec4<u32>, QUADS>>,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> bool {
    // Written out: a loop that compilers leave a loop puts the arrays into memory, which takes twice as long.
    encode_quad((*x)[0], 0u, words);
    encode_quad((*x)[1], 1u, words);
    encode_quad((*x)[2], 2u, words);
    encode_quad((*x)[3], 3u, words);
    if measure {
        var sums = begin_sums(errors);
        var lost = measure_values(&sums, (*x)[0]);
        lost += measure_values(&sums, (*x)[1]);
        lost += measure_values(&sums, (*x)[2]);
        lost += measure_values(&sums, (*x)[3]);
        (*errors).clipped += (lost.x + lost.y) + (lost.z + lost.w);
        end_sums(errors, sums);
    }
    return false;
}

// Measures four values, and returns 1 for each that became infinite, which is no error. Neither is infinite and NaN input, which is
// counted elsewhere.
fn measure_values(sums: ptr<function, Sums>, x: vec4<u32>) -> vec4<u32> {
    let code = nearest(x);
    let finite_input = (x & vec4(0x7fffffffu)) < vec4(INFINITY_BITS);
    let lost = finite_input & ((code & vec4(0x7fffu)) == vec4(0x7f80u));
    let value = select(vec4(0u), x, finite_input);
    let meaning = select(select(vec4(0u), code << vec4(16u), finite_input), value, lost);
    add_scaled(sums, value, bitcast<vec4<f32>>(meaning), (*sums).unit);
    add_zeroed(sums, x, code & vec4(0x7fffu));
    return select(vec4(0u), vec4(1u), lost);
}

fn encode_quad(x: vec4<u32>, q: u32, words: ptr<function, array<u32, BLOCK_WORDS>>) {
    let code = nearest(x);
    (*words)[2u * q] = code.x | (code.y << 16u);
    (*words)[2u * q + 1u] = code.z | (code.w << 16u);
}

fn nearest(x: vec4<u32>) -> vec4<u32> {
    let rounded = (x + vec4(0x7fffu) + ((x >> vec4(16u)) & vec4(1u))) >> vec4(16u);
    let quiet = (x >> vec4(16u)) | vec4(0x40u);
    return select(rounded, quiet, (x & vec4(0x7fffffffu)) > vec4(INFINITY_BITS));
}

fn propose(scheme: Scheme, x: vec4<u32>) -> vec4<u32> {
    return vec4(FRACTION_MASK);
}

fn settled_code(scheme: Scheme, x: u32) -> u32 {
    return 0u;
}

fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    return Bits(2u * i, 0u, 16u, code);
}

fn decoded_code(scheme: Scheme, code: u32) -> f32 {
    return 0.0;
}

fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let low = (*words)[2u * q];
    let high = (*words)[2u * q + 1u];
    return vec4(low << 16u, low & 0xffff0000u, high << 16u, high & 0xffff0000u);
}
