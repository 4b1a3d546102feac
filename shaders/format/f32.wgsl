// F32, as it is. Four values, 16 bytes, are one block here.
#import lib/exact
#import lib/errors
#import lib/bits

const BLOCK_LEN: u32 = 4u;
const BLOCK_BYTES: u32 = 16u;
const BLOCK_WORDS: u32 = 4u;
const QUADS: u32 = 1u;

struct Encoded {
    doubt: u32, // none, ever
    small: bool,
}

fn encode(
    x: ptr<function, array<vec4<u32>, QUADS>>,
    largest: u32,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> Encoded {
    let bits = (*x)[0];
    for (var i = 0u; i < 4u; i++) {
        (*words)[i] = bits[i];
    }
    if measure {
        let finite_bits = select(vec4(0u), bits, (bits & vec4(0x7fffffffu)) < vec4(INFINITY_BITS));
        add_errors(errors, finite_bits, bitcast<vec4<f32>>(finite_bits));
    }
    return Encoded(0u, false);
}

fn settled_code(encoded: Encoded, x: u32) -> u32 {
    return x;
}

fn code_bits(i: u32, code: u32) -> Bits {
    return Bits(4u * i, 0u, 0u, code);
}

fn decoded_code(encoded: Encoded, code: u32) -> f32 {
    return bitcast<f32>(code);
}

fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    return vec4((*words)[0], (*words)[1], (*words)[2], (*words)[3]);
}
