// Scales stored as F32.

@group(0) @binding(2) var<storage, read> scales: array<u32>; // [units] F32 bits

fn scale_at(unit: u32) -> f32 {
    return bitcast<f32>(scales[unit]);
}
