// ggml's way to store 32 codes: the lower four bits of codes j and j + 16 share byte j, fifth bits have a word of their own.
#import lib/propose

const BLOCK_LEN: u32 = 32u;
const QUADS: u32 = 8u;
const OVERFLOW: u32 = INFINITY_BITS; // magnitudes from here on the format cannot hold
const LARGEST: u32 = LARGEST_FINITE_BITS;

// The proposals of a block, in the words of its file.
struct Nibbles {
    words: vec4<u32>, // 32 codes' lower four bits
    fifths: u32,      // their fifth bits
    doubtful: bool,   // whether some of them are in doubt
}

fn proposed_nibbles(scheme: Scheme, x: ptr<function, array<vec4<u32>, QUADS>>) -> Nibbles {
    // Written out: a loop that compilers leave a loop puts the arrays into memory, which takes twice as long.
    let p0 = propose(scheme, (*x)[0]);
    let p1 = propose(scheme, (*x)[1]);
    let p2 = propose(scheme, (*x)[2]);
    let p3 = propose(scheme, (*x)[3]);
    let p4 = propose(scheme, (*x)[4]);
    let p5 = propose(scheme, (*x)[5]);
    let p6 = propose(scheme, (*x)[6]);
    let p7 = propose(scheme, (*x)[7]);
    let low = min(min(fraction(p0), fraction(p1)), min(fraction(p2), fraction(p3)));
    let high = min(min(fraction(p4), fraction(p5)), min(fraction(p6), fraction(p7)));
    return Nibbles(
        vec4(nibble_word(p0, p4), nibble_word(p1, p5), nibble_word(p2, p6), nibble_word(p3, p7)),
        fifth_bits(p0, 0u) | fifth_bits(p1, 4u) | fifth_bits(p2, 8u) | fifth_bits(p3, 12u)
            | fifth_bits(p4, 16u) | fifth_bits(p5, 20u) | fifth_bits(p6, 24u) | fifth_bits(p7, 28u),
        any_doubtful(min(low, high)),
    );
}

fn fraction(proposed: vec4<u32>) -> vec4<u32> {
    return proposed & vec4(FRACTION_MASK);
}

// Four bytes from proposals: those of quad q < 4 below, those of quad q + 4 above.
fn nibble_word(low: vec4<u32>, high: vec4<u32>) -> u32 {
    let bytes = ((low >> vec4(FRACTION_BITS)) & vec4(15u)) | (((high >> vec4(FRACTION_BITS)) & vec4(15u)) << vec4(4u));
    return bytes.x | (bytes.y << 8u) | (bytes.z << 16u) | (bytes.w << 24u);
}

// The lower four bits of the codes of quad q from the word that holds them.
fn nibbles(word: u32, q: u32) -> vec4<u32> {
    return (vec4(word >> (q & 4u)) >> vec4(0u, 8u, 16u, 24u)) & vec4(15u);
}

// The fifth bits of four proposals, from bit `at` on.
fn fifth_bits(proposed: vec4<u32>, at: u32) -> u32 {
    let bit = (proposed >> vec4(FRACTION_BITS + 4u)) & vec4(1u);
    return (bit.x | (bit.y << 1u) | (bit.z << 2u) | (bit.w << 3u)) << at;
}

// The codes of quad q from their lower four bits and the word of fifth bits.
fn with_fifth_bits(low: vec4<u32>, fifths: u32, q: u32) -> vec4<u32> {
    return low | (((vec4(fifths >> (4u * q)) >> vec4(0u, 1u, 2u, 3u)) & vec4(1u)) << vec4(4u));
}
