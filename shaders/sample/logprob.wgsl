// Logarithms of probabilities. Twin: src/sample/logprob.rs.
#import sample/fixed
#import sample/gumbel
#import lib/exact

// 2^32 ln 2.
const LN_2: u32 = 0xb17217f8u;

// The natural logarithm of the share that a weight of a depth has in a mass, as the bits of an F32; to 2^-22.
fn log_probability(depth: vec2<u32>, mass: vec2<u32>) -> u32 {
    let log = log2_of(mass);
    // Both in 2^-24 of a bit; a weight is never more than its mass.
    let over = (18 - i32(log.x)) * 0x1000000 + i32(log.y);
    let bits = max(i32((depth.y << 24u) | (depth.x >> 8u)) + over, 0);
    let nats = wide_product(u32(bits), LN_2).y;
    let value = rounded(nats, false, -24) | 0x80000000u;
    return select(value, NEGATIVE_INFINITY, depth.y > 255u || all(mass == vec2(0u)));
}
