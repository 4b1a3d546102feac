// Rounds float candidates to integers, and says which of them the float is too coarse to decide.
//
// A candidate y is off by 9 * 2^-24 |y| at most: 1/s is 2.5 ULP off, the product 1 ULP, the reference's own rounding 1 ULP (WGSL
// section 15.7.4). The codec's DOUBT is 1/2 less that for its largest code: where y lies nearer to an integer, that is its code.
// Whatever a device does with the sum below, a code that is not the nearest leaves a rest that shows it.

// 1.5 * 2^23: a float of this size has steps of 1, so that the sum's last bits are the rounded integer.
const STEPS_OF_ONE: f32 = 12582912.0;
const STEPS_OF_ONE_BITS: i32 = 0x4b400000;

struct Proposal {
    code: vec4<i32>,
    real: vec4<f32>, // the code again
    rest: vec4<u32>, // the bits of |y - code|: they order like integers, whose maximum is cheaper than that of floats
}

fn proposal(y: vec4<f32>) -> Proposal {
    let code = bitcast<vec4<i32>>(y + vec4(STEPS_OF_ONE)) - vec4(STEPS_OF_ONE_BITS);
    let real = vec4<f32>(code);
    return Proposal(code, real, bitcast<vec4<u32>>(y - real) & vec4(0x7fffffffu));
}

// Whether one of four is in doubt.
fn any_doubtful(rest: vec4<u32>) -> bool {
    return max(max(rest.x, rest.y), max(rest.z, rest.w)) >= bitcast<u32>(DOUBT);
}

// Bit i is set where the i-th of four is in doubt.
fn doubtful(rest: vec4<u32>) -> u32 {
    let bits = select(vec4(0u), vec4(1u, 2u, 4u, 8u), rest >= vec4(bitcast<u32>(DOUBT)));
    return bits.x | bits.y | bits.z | bits.w;
}
