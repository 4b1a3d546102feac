// BF16: the upper 16 bits of an F32, rounded to nearest even.
// Source: IEEE 754 round to nearest even; a NaN keeps its sign and upper payload and is made quiet, as ggml and `half` do.
#import lib/plain

const OVERFLOW: u32 = INFINITY_BITS; // magnitudes from here on the format cannot hold
const LARGEST: u32 = LARGEST_FINITE_BITS;
const INFINITE: u32 = 0x7f80u;

fn nearest(x: vec4<u32>) -> vec4<u32> {
    let rounded = (x + vec4(0x7fffu) + ((x >> vec4(16u)) & vec4(1u))) >> vec4(16u);
    let quiet = (x >> vec4(16u)) | vec4(0x40u);
    return select(rounded, quiet, (x & vec4(0x7fffffffu)) > vec4(INFINITY_BITS));
}

fn widened(code: vec4<u32>) -> vec4<u32> {
    return code << vec4(16u);
}
