// The winner of each chunk of a row that is not filtered: the token with the most of score and noise.
//
// A chunk's scores are counted under an anchor of its own, on the grid (src/sample/fixed.rs), which moves all of them by the same
// amount; so the row is read once, and the winner is the one that the row's own anchor gives.
//
// Shapes: source [rows, vocab] -> peaks [rows, chunks] (best key, candidates << 20 | id of the winner). Dispatch: as peaks.wgsl.
#import sample/params
#import sample/reader
#import sample/fixed
#import sample/gumbel
#import sample/race
#import sample/program

const LANES: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> peaks: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> row_list: array<u32>;
@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;
@group(0) @binding(8) var<storage, read> memory: array<u32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index / params.slices >= params.row_count {
        return;
    }
    let row_index = row_list[params.list_first + index / params.slices];
    let slice = index % params.slices;
    let row = row_at(row_index);
    let first = slice * LANES * params.chunk_quads + lane;

    var best = EXCLUDED;
    var nan = false;
    var quad = first;
    for (var i = 0u; i < params.chunk_quads; i++) {
        if quad < row.quads {
            let bits = source_quad(row.quad + quad);
            let inside = quad_ids(row, quad) < vec4(params.vocab);
            let keys = select(vec4(EXCLUDED), keys_of(bits), inside);
            nan |= any(((bits & vec4(0x7fffffffu)) > vec4(0x7f800000u)) & inside);
            best = max(best, max(max(keys.x, keys.y), max(keys.z, keys.w)));
        }
        quad += LANES;
    }

    let lowest = select(LOWEST, INFINITE, best == INFINITE);
    var count = 0u;
    quad = first;
    for (var i = 0u; i < params.chunk_quads; i++) {
        if quad < row.quads {
            count += countOneBits(dot(vec4<u32>(quad_keys(row, quad) >= vec4(lowest)), vec4(1u, 2u, 4u, 8u)));
        }
        quad += LANES;
    }
    let at = row_index * params.memory_words + POSITION;
    let stream = Stream(programs[row_index].seed, vec2(memory[at], memory[at + 1u]), programs[row_index].stream);
    let cut = Cut(best, lowest, NO_TOKEN);
    let none = Ranked(vec2(0xffffffffu), 0u);
    let end = min(first + params.chunk_quads * LANES, row.quads);
    let rate = bitcast<f32>(programs[row_index].draw_rate);
    let winner = race(row, first, LANES, end, cut, none, draw_scale(row_index), best, rate, stream).id & MOST_IDS;
    peaks[row_index * params.chunks + slice * LANES + lane] = vec2(best, (count << 20u) | winner);
    atomicMax(&step[2u * row_index], best);
    if nan {
        atomicOr(&step[2u * row_index + 1u], 1u);
    }
}
