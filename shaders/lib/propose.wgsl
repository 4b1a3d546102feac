// Rounds float candidates to integers by their bits, and says which of them the float is too coarse to decide.
//
// A candidate y of |y| < 256 may be off by DOUBT units of its 24-bit mantissa: 1/s is 2.5 ULP off at most, the product 1 ULP,
// the reference's own rounding 1 ULP (WGSL section 15.7.4), which is 9 units; the rest is margin.
// Bits rather than i32(): a conversion is clamped by every back end and costs more than these shifts.

const DOUBT: u32 = 16u;

struct Proposal {
    // |y| rounded to the nearest integer, ties away.
    magnitude: vec4<u32>,
    // So near to a tie that the exact value may lie on its other side.
    doubt: vec4<bool>,
}

fn proposal(y: vec4<f32>) -> Proposal {
    let bits = bitcast<vec4<u32>>(y) & vec4(0x7fffffffu);
    let mantissa = (bits & vec4(0x7fffffu)) | vec4(0x800000u);
    // mantissa >> shift is the whole part of 2 |y|.
    let shift = min(vec4(149u) - (bits >> vec4(23u)), vec4(31u));
    let one = vec4(1u) << shift;
    let beside_tie = (mantissa + one + vec4(DOUBT)) & ((one << vec4(1u)) - vec4(1u));
    return Proposal(((mantissa >> shift) + vec4(1u)) >> vec4(1u), beside_tie <= vec4(2u * DOUBT));
}

// Bit i is set where the i-th of four is.
fn mask_of(flags: vec4<bool>) -> u32 {
    let bits = select(vec4(0u), vec4(1u, 2u, 4u, 8u), flags);
    return bits.x | bits.y | bits.z | bits.w;
}

// The integers with the signs of x.
fn with_sign(value: vec4<u32>, x: vec4<u32>) -> vec4<i32> {
    let sign = bitcast<vec4<i32>>(x) >> vec4(31u);
    return (bitcast<vec4<i32>>(value) ^ sign) - sign;
}
