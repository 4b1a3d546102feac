// Weights in BF16 with a master copy in F32.
#import lib/bf16_pairs

@group(0) @binding(1) var<storage, read_write> weights: array<u32>;
@group(0) @binding(3) var<storage, read_write> master: array<vec2<f32>>;

fn load_weights(pair: u32) -> vec2<f32> {
    return master[pair];
}

fn store_weights(pair: u32, values: vec2<f32>, random: u32) {
    master[pair] = values;
    weights[pair] = nearest_pair(values);
}
