// Both moments in F32.

@group(0) @binding(4) var<storage, read_write> first: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> second: array<vec2<f32>>;

fn load_first(pair: u32) -> vec2<f32> {
    return first[pair];
}

fn load_second(pair: u32) -> vec2<f32> {
    return second[pair];
}

fn store_moments(pair: u32, a: Updated, b: Updated, random: vec2<u32>) {
    first[pair] = vec2(a.first, b.first);
    second[pair] = vec2(a.second, b.second);
}
