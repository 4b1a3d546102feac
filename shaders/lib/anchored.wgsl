// The scheme of ggml's Q4_0 and Q5_0: the value of the largest magnitude (the first, where several are) gets the lowest code.
//
// d = that value / -ANCHOR, q = trunc(x * (1 / d) + (ANCHOR + 1/2)), at most 2 ANCHOR - 1, each step rounded to F32; x = d (q - ANCHOR).
// Source: ggml, quantize_row_q4_0_ref and quantize_row_q5_0_ref, without FMA. The codec gives ANCHOR, as u32.
#import lib/exact
#import lib/measure_block

// What a block's codes are chosen with.
struct Scheme {
    exact: bool,  // floats cannot decide any code: the block is too small, or what d means is not finite
    d: u32,       // signed
    scale: u32,   // the stored d, widened, signed
    inverse: f32, // about 1 / d
}

fn scheme_of(x: ptr<function, array<vec4<u32>, QUADS>>, largest: u32) -> Scheme {
    var key = vec4(0xffffffffu);
    key = min(key, first_of((*x)[0], largest, 0u));
    key = min(key, first_of((*x)[1], largest, 8u));
    key = min(key, first_of((*x)[2], largest, 16u));
    key = min(key, first_of((*x)[3], largest, 24u));
    key = min(key, first_of((*x)[4], largest, 32u));
    key = min(key, first_of((*x)[5], largest, 40u));
    key = min(key, first_of((*x)[6], largest, 48u));
    key = min(key, first_of((*x)[7], largest, 56u));
    let negative = min(min(key.x, key.y), min(key.z, key.w)) & 1u;
    // No value of a block of zeros is larger than the 0 that the search begins with.
    let sign = select((negative ^ 1u) << 31u, 0x80000000u, largest == 0u);
    let d = quotient_by(largest, ANCHOR);
    let scale = widened_half(half_bits(d));
    // Below 2^-95 an adapter that flushes subnormals would lose bits of the values or of 1/d.
    let small = largest < 0x10000000u;
    let exact = largest != 0u && (small || scale == 0u || scale == INFINITY_BITS);
    return Scheme(exact, d | sign, scale | sign, select(1.0 / bitcast<f32>(d | sign), 0.0, small));
}

// For each of four values twice its number and its sign, where its magnitude is the largest.
fn first_of(x: vec4<u32>, largest: u32, twice: u32) -> vec4<u32> {
    let key = vec4(twice) + vec4(0u, 2u, 4u, 6u) + (x >> vec4(31u));
    return select(vec4(0xffffffffu), key, (x & vec4(0x7fffffffu)) == vec4(largest));
}

fn propose(scheme: Scheme, x: vec4<u32>) -> vec4<u32> {
    // Above the highest code every candidate is taken for it, so there is no tie to doubt.
    return proposal(min(bitcast<vec4<f32>>(x) * scheme.inverse, vec4(f32(ANCHOR - 1u))));
}

fn settled_code(scheme: Scheme, x: u32) -> u32 {
    // ggml takes 1/0 for 0, which leaves the half; an infinite 1/d makes sums whose cast to an integer is 0 on the processors it knows.
    let inverse = quotient(0x3f800000u, magnitude(scheme.d)); // 1 / |d|
    if magnitude(scheme.d) == 0u {
        return ANCHOR;
    }
    if inverse == INFINITY_BITS {
        return 0u;
    }
    let product_bits = product(magnitude(x), inverse);
    return min(truncated_sum(2u * ANCHOR + 1u, product_bits, ((x ^ scheme.d) >> 31u) == 1u), 2u * ANCHOR - 1u);
}

fn decoded_code(scheme: Scheme, code: u32) -> f32 {
    return f32(bitcast<i32>(code) - i32(ANCHOR)) * bitcast<f32>(scheme.scale);
}
