// BF16: the upper 16 bits of an F32, rounded to nearest even. Eight values, 16 bytes, are one block here.
// Source: IEEE 754 round to nearest even; a NaN keeps its sign and upper payload and is made quiet, as ggml and `half` do.
#import lib/exact
#import lib/errors
#import lib/bits

const BLOCK_LEN: u32 = 8u;
const BLOCK_BYTES: u32 = 16u;
const BLOCK_WORDS: u32 = 4u;
const QUADS: u32 = 2u;

struct Encoded {
    doubt: u32, // none, ever: this codec is integers throughout
    small: bool,
}

fn encode(
    x: ptr<function, array<vec4<u32>, QUADS>>,
    largest: u32,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> Encoded {
    for (var q = 0u; q < QUADS; q++) {
        let bits = (*x)[q];
        let size = bits & vec4(0x7fffffffu);
        let nearest = (bits + vec4(0x7fffu) + ((bits >> vec4(16u)) & vec4(1u))) >> vec4(16u);
        let quiet = (bits >> vec4(16u)) | vec4(0x40u);
        let code = select(nearest, quiet, size > vec4(INFINITY_BITS));
        (*words)[2u * q] = code.x | (code.y << 16u);
        (*words)[2u * q + 1u] = code.z | (code.w << 16u);
        if measure {
            // Infinite and NaN input is counted elsewhere and is no error of the format.
            let counted = size < vec4(INFINITY_BITS);
            let meant = bitcast<vec4<f32>>(select(vec4(0u), code << vec4(16u), counted));
            add_errors(errors, select(vec4(0u), bits, counted), meant);
            count_zeroed(errors, bits, (code & vec4(0x7fffu)) == vec4(0u));
        }
    }
    return Encoded(0u, false);
}

fn settled_code(encoded: Encoded, x: u32) -> u32 {
    return 0u;
}

fn code_bits(i: u32, code: u32) -> Bits {
    return Bits(2u * i, 0u, 16u, code);
}

fn decoded_code(encoded: Encoded, code: u32) -> f32 {
    return 0.0;
}

fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let low = (*words)[2u * q];
    let high = (*words)[2u * q + 1u];
    return vec4(low << 16u, low & 0xffff0000u, high << 16u, high & 0xffff0000u);
}
