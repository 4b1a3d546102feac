// ggml's way to store 32 codes: the lower four bits of codes j and j + 16 share byte j.

// Four bytes: the codes of quad q < 4 below, those of quad q + 4 above.
fn nibble_word(low: vec4<u32>, high: vec4<u32>) -> u32 {
    let bytes = (low & vec4(15u)) | ((high & vec4(15u)) << vec4(4u));
    return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

// The lower four bits of the codes of quad q from the word that holds them.
fn nibbles(word: u32, q: u32) -> vec4<u32> {
    return (vec4(word >> (q & 4u)) >> vec4(0u, 8u, 16u, 24u)) & vec4(15u);
}

// The fifth bits of four codes, each in its lowest four bits' place above 15, as bits 0 to 3.
fn fifth_bits(code: vec4<u32>) -> u32 {
    let bit = (code >> vec4(4u)) & vec4(1u);
    return bit.x | (bit.y << 1u) | (bit.z << 2u) | (bit.w << 3u);
}

// The codes of quad q from their lower four bits and the word of fifth bits.
fn with_fifth_bits(low: vec4<u32>, fifths: u32, q: u32) -> vec4<u32> {
    return low | (((vec4(fifths >> (4u * q)) >> vec4(0u, 1u, 2u, 3u)) & vec4(1u)) << vec4(4u));
}
