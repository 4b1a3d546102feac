// The right matrix of a product in F32.

@group(0) @binding(2) var<storage, read> b: array<f32>;

fn matrix_at(i: u32) -> f32 {
    return b[i];
}
