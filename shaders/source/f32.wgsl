// A source of F32 values, four to a load.

@group(0) @binding(1) var<storage, read> source: array<vec4<u32>>; // [elements / 4] F32 bits

fn source_quad(quad: u32) -> vec4<u32> {
    return source[quad];
}
