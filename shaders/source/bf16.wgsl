// A source of BF16 values, widened to F32: its 16 bits are the upper half of the F32's.

@group(0) @binding(1) var<storage, read> source: array<vec2<u32>>; // [elements / 4] BF16, low half first

fn source_quad(quad: u32) -> vec4<u32> {
    let two = source[quad];
    return vec4(two.x << 16u, two.x & 0xffff0000u, two.y << 16u, two.y & 0xffff0000u);
}
