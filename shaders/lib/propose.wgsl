// Rounds float candidates to integers, and says which of them the float is too coarse to decide.
//
// y + BIAS lies in one binade, so its last FRACTION_BITS bits are the fraction of a fixed-point number and those above them its whole
// part plus OFFSET. BIAS holds one half and DOUBT units of the last place besides: the whole part is y rounded to nearest, and a
// fraction of 2 DOUBT units or less means that y lies within DOUBT units of a tie.
//
// y is off by 9 * 2^-24 |y| at most: 1/s is 2.5 ULP off, the product 1 ULP, the reference's own rounding 1 ULP (WGSL section 15.7.4);
// the sum by one unit of its last place, whichever way the device rounds. DOUBT is more than both together for the codec's largest
// code.

const FRACTION_MASK: u32 = (1u << FRACTION_BITS) - 1u;

// The sums as they are; `code_of` and `doubtful` read them.
fn proposal(y: vec4<f32>) -> vec4<u32> {
    return bitcast<vec4<u32>>(y + vec4(BIAS));
}

// Those of y + zero, an integer.
fn offset_proposal(y: vec4<f32>, zero: f32) -> vec4<u32> {
    return bitcast<vec4<u32>>(y + vec4(zero + BIAS));
}

fn code_of(proposed: vec4<u32>) -> vec4<i32> {
    return bitcast<vec4<i32>>((proposed & vec4(0x7fffffu)) >> vec4(FRACTION_BITS)) - vec4(OFFSET);
}

// Whether one of four fractions is in doubt.
fn any_doubtful(fraction: vec4<u32>) -> bool {
    return min(min(fraction.x, fraction.y), min(fraction.z, fraction.w)) <= 2u * DOUBT;
}

fn is_doubtful(proposed: vec4<u32>) -> vec4<bool> {
    return (proposed & vec4(FRACTION_MASK)) <= vec4(2u * DOUBT);
}

// Bit i is set where the i-th of four proposals is in doubt.
fn doubtful(proposed: vec4<u32>) -> u32 {
    let bits = select(vec4(0u), vec4(1u, 2u, 4u, 8u), is_doubtful(proposed));
    return bits.x | bits.y | bits.z | bits.w;
}
