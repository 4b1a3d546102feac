// Weights in BF16 alone, rounded stochastically: what a step adds is often less than half a unit, and must not be lost.
#import lib/bf16_pairs

@group(0) @binding(1) var<storage, read_write> weights: array<u32>;

fn load_weights(pair: u32) -> vec2<f32> {
    return widened_pair(weights[pair]);
}

fn store_weights(pair: u32, values: vec2<f32>, random: u32) {
    weights[pair] = stochastic_pair(values, random);
}
