// A source of F16 values, widened to F32 by integers: no device rounds or flushes here.
#import lib/exact

@group(0) @binding(1) var<storage, read> source: array<vec2<u32>>; // [elements / 4] F16, low half first

fn source_quad(quad: u32) -> vec4<u32> {
    let two = source[quad];
    return vec4(signed_half(two.x), signed_half(two.x >> 16u), signed_half(two.y), signed_half(two.y >> 16u));
}
