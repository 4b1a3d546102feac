// Gumbel noise by floats, and a bound of it.
//
// A logarithm of WGSL is within 2^-21 or 3 units in the last place, which leaves the noise within 2^-13.

// -log2(log2(e)), and a little for the rounding of a bound.
const NOISE_BASE: f32 = -0.528;

// The noise of 64 random bits: -log2(-log2(1 - v)), v = bits / 2^64.
fn noise_near(high: vec4<u32>, low: vec4<u32>) -> vec4<f32> {
    let v = max((vec4<f32>(high) + vec4<f32>(low) * 2.3283064e-10) * 2.3283064e-10, vec4(4.5474735e-13));
    let rest = (vec4<f32>(~high) + vec4<f32>(~low) * 2.3283064e-10) * 2.3283064e-10;
    // Where v is small, 1 - v has lost its digits.
    let small = v * (1.0 + v * (0.5 + v * (0.33333333 + v * 0.25))) * 1.442695;
    return -log2(select(-log2(max(rest, vec4(5.0e-20))), small, v < vec4(0.015625)));
}

// At least as much: a logarithm lies above its chords.
fn noise_bound(high: vec4<u32>) -> vec4<f32> {
    return vec4(159.0 + NOISE_BASE) - vec4<f32>(bitcast<vec4<u32>>(vec4<f32>(high))) * 1.1920929e-7;
}
