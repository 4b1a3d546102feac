// The scheme of ggml's Q4_1 and Q5_1: the codes run from the smallest value of a block to its largest.
//
// d = (max - min) / STEPS, q = trunc((x - min) * (1 / d) + 1/2), at most STEPS, each step rounded to F32; x = d q + m with m = f16(min).
// Source: ggml, quantize_row_q4_1_ref and quantize_row_q5_1_ref, without FMA. The codec gives STEPS, as u32.
#import lib/exact
#import lib/measure

// What a block's codes are chosen with.
struct Scheme {
    exact: bool,  // floats cannot decide any code: the range is too small, or what the scales mean is not finite
    d: u32,
    lowest: u32,  // the smallest value, signed
    scale: u32,   // the stored d, widened
    offset: u32,  // the stored smallest value, widened, signed
    inverse: f32, // about 1 / d
}

fn scheme_of(x: ptr<function, array<vec4<u32>, QUADS>>, largest: u32) -> Scheme {
    var low = min(min(ordered((*x)[0]), ordered((*x)[1])), min(ordered((*x)[2]), ordered((*x)[3])));
    low = min(low, min(min(ordered((*x)[4]), ordered((*x)[5])), min(ordered((*x)[6]), ordered((*x)[7]))));
    var high = max(max(ordered((*x)[0]), ordered((*x)[1])), max(ordered((*x)[2]), ordered((*x)[3])));
    high = max(high, max(max(ordered((*x)[4]), ordered((*x)[5])), max(ordered((*x)[6]), ordered((*x)[7]))));
    var lowest = disordered(min(min(low.x, low.y), min(low.z, low.w)));
    let highest = disordered(max(max(high.x, high.y), max(high.z, high.w)));
    if magnitude(lowest) == 0u {
        // Zeros of both signs are equal: the first is kept.
        var key = vec4(0xffffffffu);
        key = min(key, zero_of((*x)[0], 0u));
        key = min(key, zero_of((*x)[1], 8u));
        key = min(key, zero_of((*x)[2], 16u));
        key = min(key, zero_of((*x)[3], 24u));
        key = min(key, zero_of((*x)[4], 32u));
        key = min(key, zero_of((*x)[5], 40u));
        key = min(key, zero_of((*x)[6], 48u));
        key = min(key, zero_of((*x)[7], 56u));
        lowest = (min(min(key.x, key.y), min(key.z, key.w)) & 1u) << 31u;
    }
    let range = difference(highest, lowest);
    let d = select(quotient_by(range, STEPS), INFINITY_BITS, range == INFINITY_BITS);
    let scale = widened_half(half_bits(d));
    let offset = widened_half(half_bits(magnitude(lowest))) | (lowest & 0x80000000u);
    // Below 2^-95 an adapter that flushes subnormals would lose bits of the differences or of 1/d.
    let small = d < 0x10000000u;
    let lost = scale == INFINITY_BITS || magnitude(offset) == INFINITY_BITS;
    let exact = lost || (d != 0u && (small || scale == 0u));
    return Scheme(exact, d, lowest, scale, offset, select(1.0 / bitcast<f32>(d), 0.0, small || lost));
}

// Signed integers in the order of the floats.
fn ordered(x: vec4<u32>) -> vec4<i32> {
    let i = bitcast<vec4<i32>>(x);
    return i ^ ((i >> vec4(31u)) & vec4(0x7fffffff));
}

fn disordered(i: i32) -> u32 {
    return bitcast<u32>(i ^ ((i >> 31u) & 0x7fffffff));
}

// For each of four values twice its number and its sign, where it is zero.
fn zero_of(x: vec4<u32>, twice: u32) -> vec4<u32> {
    let key = vec4(twice) + vec4(0u, 2u, 4u, 6u) + (x >> vec4(31u));
    return select(vec4(0xffffffffu), key, (x & vec4(0x7fffffffu)) == vec4(0u));
}

fn propose(scheme: Scheme, x: vec4<u32>) -> vec4<u32> {
    return proposal((bitcast<vec4<f32>>(x) - vec4(bitcast<f32>(scheme.lowest))) * scheme.inverse);
}

fn settled_code(scheme: Scheme, x: u32) -> u32 {
    let inverse = quotient(0x3f800000u, scheme.d); // 1 / d
    // ggml takes 1/0 for 0; where 1/d or d is infinite the codes that C defines are 0, and so are the others here.
    if scheme.d == 0u || scheme.d == INFINITY_BITS || inverse == INFINITY_BITS {
        return 0u;
    }
    return min(truncated_sum(1u, product(difference(x, scheme.lowest), inverse), false), STEPS);
}

fn decoded_code(scheme: Scheme, code: u32) -> f32 {
    return f32(code) * bitcast<f32>(scheme.scale) + bitcast<f32>(scheme.offset);
}

fn measure_block(scheme: Scheme, x: ptr<function, array<vec4<u32>, QUADS>>, errors: ptr<function, Errors>) {
    var sums = begin_sums(errors);
    measure_range(&sums, scheme, (*x)[0]);
    measure_range(&sums, scheme, (*x)[1]);
    measure_range(&sums, scheme, (*x)[2]);
    measure_range(&sums, scheme, (*x)[3]);
    measure_range(&sums, scheme, (*x)[4]);
    measure_range(&sums, scheme, (*x)[5]);
    measure_range(&sums, scheme, (*x)[6]);
    measure_range(&sums, scheme, (*x)[7]);
    end_sums(errors, sums);
}

fn measure_range(sums: ptr<function, Sums>, scheme: Scheme, x: vec4<u32>) {
    let proposed = propose(scheme, x);
    // What is in doubt is measured where it is settled.
    let open = is_doubtful(proposed);
    let value = select(x, vec4(0u), open);
    let scale = bitcast<f32>(scheme.scale) * (*sums).unit;
    let offset = bitcast<f32>(scheme.offset) * (*sums).unit;
    let meaning = select(vec4<f32>(code_of(proposed)) * scale + vec4(offset), vec4(0.0), open);
    add_scaled(sums, value, meaning, 1.0);
    add_zeroed(sums, value, bitcast<vec4<u32>>(meaning) & vec4(0x7fffffffu));
}
