// Weights in F32.

@group(0) @binding(1) var<storage, read_write> weights: array<vec2<f32>>;

fn load_weights(pair: u32) -> vec2<f32> {
    return weights[pair];
}

fn store_weights(pair: u32, values: vec2<f32>, random: u32) {
    weights[pair] = values;
}
