// Gradients in BF16.
#import lib/bf16_pairs

@group(0) @binding(2) var<storage, read> gradients: array<u32>;

fn load_gradients(pair: u32) -> vec2<f32> {
    return widened_pair(gradients[pair]);
}
