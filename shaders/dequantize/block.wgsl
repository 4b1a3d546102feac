// Dequantizes a window of a tensor in a block format to F32.
//
// Shapes: blocks [blocks, BLOCK_BYTES] -> values [blocks * BLOCK_LEN].
// Dispatch: an invocation takes `steps` packs (the 1 or 2 blocks that fill whole words).
#import format
#import lib/block_words
#import lib/grid

struct Params {
    blocks: u32,
    word_first: u32, // the word of `blocks` at which the window begins
    quad_first: u32, // the quad of `values` at which it begins
    quads: u32,      // values to write, in quads
    pack: u32,
    packs_per_group: u32,
    steps: u32,
    lane_stride: u32,
    step_stride: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> blocks: array<u32>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4<u32>>; // F32 bits

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let mine = share(group, groups, lane, params.packs_per_group, params.lane_stride);
    for (var step = 0u; step < params.steps; step++) {
        let pack = mine.first + step * params.step_stride;
        for (var member = 0u; member < params.pack; member++) {
            let block = pack * params.pack + member;
            if block < params.blocks {
                dequantize_block(block);
            }
        }
    }
}

fn dequantize_block(block: u32) {
    var words: array<u32, BLOCK_WORDS>;
    block_words(block, params.word_first, &words);
    for (var q = 0u; q < QUADS; q++) {
        if block * QUADS + q < params.quads {
            values[params.quad_first + block * QUADS + q] = decode(&words, q);
        }
    }
}
