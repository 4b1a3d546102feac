// F32, as it is. Four values, 16 bytes, are one block here.
#import lib/unscaled
#import lib/errors

const BLOCK_LEN: u32 = 4u;
const BLOCK_BYTES: u32 = 16u;
const BLOCK_WORDS: u32 = 4u;
const QUADS: u32 = 1u;
const OVERFLOW: u32 = INFINITY_BITS; // magnitudes from here on the format cannot hold
const LARGEST: u32 = LARGEST_FINITE_BITS;

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

fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    return vec4((*words)[0], (*words)[1], (*words)[2], (*words)[3]);
}
