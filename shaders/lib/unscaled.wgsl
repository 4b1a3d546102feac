// What the block driver asks of every codec, for those without scales: nothing is proposed, nothing is in doubt.
#import lib/exact
#import lib/propose
#import lib/bits

const CODE_PARTS: u32 = 1u;
// For `lib/propose`, which is never asked.
const FRACTION_BITS: u32 = 1u;
const OFFSET: i32 = 0;
const DOUBT: u32 = 0u;
const BIAS: f32 = 0.0;

// What a block's codes are chosen with: nothing.
struct Scheme {
    exact: bool, // never
}

fn scheme_of(x: ptr<function, array<vec4<u32>, QUADS>>, largest: u32) -> Scheme {
    return Scheme(false);
}

fn propose(scheme: Scheme, x: vec4<u32>) -> vec4<u32> {
    return vec4(FRACTION_MASK);
}

fn settled_code(scheme: Scheme, x: u32) -> u32 {
    return 0u;
}

fn code_bits(i: u32, part: u32, code: u32) -> Bits {
    return Bits(0u, 0u, 0u, 0u);
}

fn decoded_code(scheme: Scheme, code: u32) -> f32 {
    return 0.0;
}
