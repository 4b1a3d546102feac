// Scales stored as F16.
#import lib/exact

@group(0) @binding(2) var<storage, read> scales: array<u32>; // [ceil(units / 2)] two F16, low half first

fn scale_at(unit: u32) -> f32 {
    return bitcast<f32>(widened_half((scales[unit >> 1u] >> (16u * (unit & 1u))) & 0xffffu));
}
