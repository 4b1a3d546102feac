// Q8_0: 32 weights in 34 bytes: f16 d, then 32 signed bytes. x = d q.
// Source: ggml, quantize_row_q8_0_ref: d = amax / 127, q = roundf(x * (1 / d)), with the unrounded d.
#import lib/exact
#import lib/propose
#import lib/errors
#import lib/bits

const BLOCK_LEN: u32 = 32u;
const BLOCK_BYTES: u32 = 34u;
const BLOCK_WORDS: u32 = 9u;
const QUADS: u32 = 8u;

struct Encoded {
    doubt: u32,   // bit i: the code of element i must be settled
    d: u32,       // amax / 127
    scale: u32,   // the stored d, widened
    small: bool,  // too small for floats: all codes are settled, none proposed
}

fn encode(
    x: ptr<function, array<vec4<u32>, QUADS>>,
    largest: u32,
    words: ptr<function, array<u32, BLOCK_WORDS>>,
    measure: bool,
    errors: ptr<function, Errors>,
) -> Encoded {
    let d = quotient(largest, 0x42fe0000u); // 127
    let half = half_bits(d);
    let scale = widened_half(half);
    // Below 2^-95 an adapter that flushes subnormals would lose bits of the values or of 1/d.
    let small = largest < 0x10000000u;
    let inverse = select(1.0 / bitcast<f32>(d), 0.0, small);
    var doubt = 0u;
    (*words)[0] = half;
    for (var q = 0u; q < QUADS; q++) {
        let bits = (*x)[q];
        let proposed = proposal(bitcast<vec4<f32>>(bits) * inverse);
        let code = with_sign(proposed.magnitude, bits);
        doubt |= mask_of(proposed.doubt) << (4u * q);
        let bytes = bitcast<vec4<u32>>(code) & vec4(0xffu);
        let word = bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
        (*words)[q] |= word << 16u;
        (*words)[q + 1u] = word >> 16u;
        if measure && !small {
            add_errors(errors, bits, vec4<f32>(code) * bitcast<f32>(scale));
            // An infinite scale makes NaN of a code of 0.
            let nothing = (proposed.magnitude == vec4(0u)) & vec4(scale != INFINITY_BITS);
            count_zeroed(errors, bits, (nothing | vec4(scale == 0u)) & !proposed.doubt);
        }
    }
    return Encoded(select(doubt, select(0xffffffffu, 0u, largest == 0u), small), d, scale, small);
}

fn settled_code(encoded: Encoded, x: u32) -> u32 {
    // ggml takes 1/0 for 0; an infinite 1/d it casts to integers, which gives 0 too.
    let inverse = quotient(0x3f800000u, encoded.d); // 1 / d
    if encoded.d == 0u || inverse == INFINITY_BITS {
        return 0u;
    }
    let code = nearest_away(product(magnitude(x), inverse));
    return select(code, 0u - code, x >= 0x80000000u) & 0xffu;
}

// Where the code of element i lies in its block.
fn code_bits(i: u32, code: u32) -> Bits {
    return Bits(2u + i, 0u, 8u, code);
}

fn decoded_code(encoded: Encoded, code: u32) -> f32 {
    return f32(bitcast<i32>(code << 24u) >> 24u) * bitcast<f32>(encoded.scale);
}

// Four values of a block from its words.
fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let scale = bitcast<f32>(widened_half((*words)[0] & 0xffffu));
    let word = ((*words)[q] >> 16u) | ((*words)[q + 1u] << 16u);
    return bitcast<vec4<u32>>(vec4<f32>(unpack4xI8(word)) * scale);
}
