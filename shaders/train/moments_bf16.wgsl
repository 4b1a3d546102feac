// Both moments in BF16, rounded stochastically.
#import lib/bf16_pairs

@group(0) @binding(4) var<storage, read_write> first: array<u32>;
@group(0) @binding(5) var<storage, read_write> second: array<u32>;

fn load_first(pair: u32) -> vec2<f32> {
    return widened_pair(first[pair]);
}

fn load_second(pair: u32) -> vec2<f32> {
    return widened_pair(second[pair]);
}

fn store_moments(pair: u32, a: Updated, b: Updated, random: vec2<u32>) {
    first[pair] = stochastic_pair(vec2(a.first, b.first), random.x);
    second[pair] = stochastic_pair(vec2(a.second, b.second), random.y);
}
