// The right matrix of a product in a block format.
#import format
#import lib/block_words

const RUN_QUADS: u32 = QUADS;

@group(0) @binding(1) var<storage, read> blocks: array<u32>;

// Adds what a run of four rows gives: a block of each.
fn add_run(b_rows: vec4<u32>, run: u32, a_rows: vec4<u32>, sums: ptr<function, mat4x4<f32>>) {
    let block = b_rows * (params.k / BLOCK_LEN) + vec4(run);
    var x: array<u32, BLOCK_WORDS>;
    var y: array<u32, BLOCK_WORDS>;
    var z: array<u32, BLOCK_WORDS>;
    var w: array<u32, BLOCK_WORDS>;
    block_words(block.x, 0u, &x);
    block_words(block.y, 0u, &y);
    block_words(block.z, 0u, &z);
    block_words(block.w, 0u, &w);
    for (var q = 0u; q < params.quads; q++) {
        let of_a = quads_at(a_rows, run * QUADS + q);
        (*sums)[0] += bitcast<vec4<f32>>(decode(&x, q)) * of_a;
        (*sums)[1] += bitcast<vec4<f32>>(decode(&y, q)) * of_a;
        (*sums)[2] += bitcast<vec4<f32>>(decode(&z, q)) * of_a;
        (*sums)[3] += bitcast<vec4<f32>>(decode(&w, q)) * of_a;
    }
}
