// The block codec of 16-bit values without a scale: floats are never asked. Sixteen values, 32 bytes, are one block.
//
// The codec gives `nearest` (codes of four values), `widened` (what they mean) and INFINITE (the code of infinity without its sign).
#import lib/unscaled
#import lib/errors

const BLOCK_LEN: u32 = 16u;
const BLOCK_BYTES: u32 = 32u;
const BLOCK_WORDS: u32 = 8u;
const QUADS: u32 = 4u;

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
    let lost = finite_input & ((code & vec4(0x7fffu)) == vec4(INFINITE));
    let value = select(vec4(0u), x, finite_input);
    let meaning = select(select(vec4(0u), widened(code), finite_input), value, lost);
    add_scaled(sums, value, bitcast<vec4<f32>>(meaning), (*sums).unit);
    add_zeroed(sums, x, code & vec4(0x7fffu));
    return select(vec4(0u), vec4(1u), lost);
}

fn encode_quad(x: vec4<u32>, q: u32, words: ptr<function, array<u32, BLOCK_WORDS>>) {
    let code = nearest(x);
    (*words)[2u * q] = code.x | (code.y << 16u);
    (*words)[2u * q + 1u] = code.z | (code.w << 16u);
}

fn decode(words: ptr<function, array<u32, BLOCK_WORDS>>, q: u32) -> vec4<u32> {
    let low = (*words)[2u * q];
    let high = (*words)[2u * q + 1u];
    return widened(vec4(low & 0xffffu, low >> 16u, high & 0xffffu, high >> 16u));
}
