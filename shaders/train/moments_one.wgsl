// One moment, in F32.

@group(0) @binding(4) var<storage, read_write> first: array<vec2<f32>>;

fn load_first(pair: u32) -> vec2<f32> {
    return first[pair];
}

fn load_second(pair: u32) -> vec2<f32> {
    return vec2(0.0);
}

fn store_moments(pair: u32, a: Updated, b: Updated, random: vec2<u32>) {
    first[pair] = vec2(a.first, b.first);
}
