// 4-bit codes, -8..7, stored as q + 8, eight to a word, the first in the lowest bits. x = scale (q - z).
// Source: compressed-tensors 0.20, pack-quantized.
#import lib/exact

const CODE_BITS: u32 = 4u;
const LOWEST: i32 = -8;
const HIGHEST: i32 = 7;
// For `lib/propose`: 1.5 * 2^4 has steps of 2^-19; 6 of them are more than 9 * 2^-24 * 15.5 (4.4 of them: asymmetric quotients reach
// that), half of a step for the reference's own sum, and one.
const FRACTION_BITS: u32 = 19u;
const OFFSET: i32 = 8;
const DOUBT: u32 = 6u;
const BIAS: f32 = 24.500011444091796875; // 24 + 1/2 + 6 * 2^-19
// The largest value of a unit is below scale * 2^SCALE_TO_LARGEST.
const SCALE_TO_LARGEST: u32 = 4u;

// Eight codes, of which the last four bits count and are q + 8, in storage order; the second word is not used.
fn packed(low: vec4<u32>, high: vec4<u32>) -> vec2<u32> {
    return vec2(nibbles_of(low) | (nibbles_of(high) << 16u), 0u);
}

fn nibbles_of(code: vec4<u32>) -> u32 {
    let nibble = code & vec4(15u);
    return nibble.x | (nibble.y << 4u) | (nibble.z << 8u) | (nibble.w << 12u);
}

fn stored_code(q: i32) -> u32 {
    return u32(q + 8);
}

// The eight codes of a word, in two halves.
fn unpacked(words: vec2<u32>, second: bool) -> vec4<i32> {
    let half = select(words.x, words.x >> 16u, second);
    return bitcast<vec4<i32>>((vec4(half) >> vec4(0u, 4u, 8u, 12u)) & vec4(15u)) - vec4(8);
}
