// F32, as it is. Four values, 16 bytes, are one block here.
#import lib/exact
#import lib/errors
#import lib/propose
#import lib/bits

const BLOCK_LEN: u32 = 4u;
const BLOCK_BYTES: u32 = 16u;
const BLOCK_WORDS: u32 = 4u;
const OVERFLOW: u32 = INFINITY_BITS; // magnitudes from here on the format cannot hold
const LARGEST: u32 = LARGEST_FINITE_BITS;
const QUADS: u32 = 1u;
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
    let bits = (*x)[0];
    for (var i = 0u; i < 4u; i++) {
        (*words)[i] = bits[i];
    }
    if measure {
        var sums = begin_sums(errors);
        let value = select(vec4(0u), bits, (bits & vec4(0x7fffffffu)) < vec4(INFINITY_BITS));
        add_scaled(&sums, value, bitcast<vec4<f32>>(value), sums.unit);
        end_sums(errors, sums);
    }
    return false;
}

fn propose(scheme: Scheme, x: vec4<u32>) -> vec4<u32> {
    return vec4(FRACTION_MASK);
}

fn settled_code(scheme: Scheme, x: u32) -> u32 {
    return x;
}

fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    return Bits(4u * i, 0u, 0u, code);
}

fn decoded_code(scheme: Scheme, code: u32) -> f32 {
    return bitcast<f32>(code);
}

fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    return vec4((*words)[0], (*words)[1], (*words)[2], (*words)[3]);
}
