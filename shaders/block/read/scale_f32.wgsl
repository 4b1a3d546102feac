// The weight of a normalization in F32.

@group(0) @binding(2) var<storage, read> weight: array<f32>;

fn scale_at(i: u32) -> f32 {
    return weight[i];
}
