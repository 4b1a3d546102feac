// Gradients in F32.

@group(0) @binding(2) var<storage, read> gradients: array<vec2<f32>>;

fn load_gradients(pair: u32) -> vec2<f32> {
    return gradients[pair];
}
