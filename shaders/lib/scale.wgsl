// The scale of a unit as it is stored.
#import lib/exact
#import lib/finite

const EPSILON: u32 = 0x34000000u; // of F32, 2^-23: what a scale of 0 becomes, as in compressed-tensors 0.20

// The scale that codes are chosen with: rounded to F16 where it is stored so, as F32 bits.
fn stored_scale(scale: u32, unit: u32) -> u32 {
    if params.half == 0u {
        return scale;
    }
    let half = half_bits(scale);
    if half >= 0x7c00u {
        note_non_finite(params.slot, unit, 1u, vec4(INFINITY_BITS), INFINITY_BITS);
        return widened_half(0x7bffu);
    }
    // A scale may not round to 0: the least F16 holds the codes as well as F16 can.
    return widened_half(select(half, 1u, half == 0u && scale != 0u));
}
