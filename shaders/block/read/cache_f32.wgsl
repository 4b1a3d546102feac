// Keys and values in F32.

@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;

fn key_value(i: u32) -> f32 {
    return k[i];
}

fn value_value(i: u32) -> f32 {
    return v[i];
}
