// The right matrix of a product in a format whose scales lie in a plane of their own.
#import format
#import scales
#import zero

const RUN_QUADS: u32 = 2u;

@group(0) @binding(1) var<storage, read> codes: array<u32>;

// Adds what a run of four rows gives: eight codes of each, which share a scale.
fn add_run(b_rows: vec4<u32>, run: u32, a_rows: vec4<u32>, sums: ptr<function, mat4x4<f32>>) {
    let low = quads_at(a_rows, 2u * run);
    let high = quads_at(a_rows, 2u * run + 1u);
    (*sums)[0] += products(b_rows.x, run, low, high);
    (*sums)[1] += products(b_rows.y, run, low, high);
    (*sums)[2] += products(b_rows.z, run, low, high);
    (*sums)[3] += products(b_rows.w, run, low, high);
}

fn products(row: u32, run: u32, low: mat4x4<f32>, high: mat4x4<f32>) -> vec4<f32> {
    let unit = row * params.groups + 8u * run / params.unit_len;
    let word = (row * (params.k / 8u) + run) * (CODE_BITS / 4u);
    var words = vec2(codes[word], 0u);
    if CODE_BITS == 8u {
        words.y = codes[word + 1u];
    }
    let zero = vec4(zero_point(unit));
    let sums = vec4<f32>(unpacked(words, false) - zero) * low + vec4<f32>(unpacked(words, true) - zero) * high;
    return sums * scale_at(unit);
}
