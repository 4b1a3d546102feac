// Symmetric 8-bit codes, -128..127, one byte each. x = scale q.
#import lib/exact

const CODE_BITS: u32 = 8u;
const LOWEST: i32 = -128;
const HIGHEST: i32 = 127;
// For `lib/propose`: 1.5 * 2^9 has steps of 2^-14; 3 of them are more than 9 * 2^-24 * 128 (1.2 of them) and one.
const FRACTION_BITS: u32 = 14u;
const OFFSET: i32 = 256;
const DOUBT: u32 = 3u;
const BIAS: f32 = 768.50018310546875; // 768 + 1/2 + 3 * 2^-14
// The largest value of a unit is below scale * 2^SCALE_TO_LARGEST.
const SCALE_TO_LARGEST: u32 = 7u;

// Eight codes, of which the last eight bits count, in storage order; the second word is used.
fn packed(low: vec4<u32>, high: vec4<u32>) -> vec2<u32> {
    return vec2(bytes_of(low), bytes_of(high));
}

fn bytes_of(code: vec4<u32>) -> u32 {
    let byte = code & vec4(0xffu);
    return byte.x | (byte.y << 8u) | (byte.z << 16u) | (byte.w << 24u);
}

fn stored_code(q: i32) -> u32 {
    return bitcast<u32>(q);
}

// The eight codes of two words.
fn unpacked(words: vec2<u32>, second: bool) -> vec4<i32> {
    return unpack4xI8(select(words.x, words.y, second));
}
