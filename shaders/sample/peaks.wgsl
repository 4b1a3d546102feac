// The best token of each chunk of a row. The k best of the row all lie in the k chunks with the best peaks, however the row is cut.
//
// Shapes: source [rows, vocab] -> peaks [rows, chunks] (key, MOST_IDS - id), (0, 0) where there is none; tops [rows] (best key, NaN seen).
// Dispatch: a workgroup takes 64 chunks that interleave, so that neighbouring invocations load neighbouring quads.
#import sample/params
#import sample/reader

const LANES: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> peaks: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> row_list: array<u32>;
@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    let row_index = row_list[params.list_first + index / params.slices];
    let slice = index % params.slices;
    if index / params.slices >= params.row_count {
        return;
    }
    let row = row_at(row_index);
    var best = EXCLUDED;
    var best_id = 0u;
    var nan = false;
    var quad = slice * LANES * params.chunk_quads + lane;
    for (var i = 0u; i < params.chunk_quads; i++) {
        if quad < row.quads {
            let ids = quad_ids(row, quad);
            let bits = source_quad(row.quad + quad);
            let inside = ids < vec4(params.vocab);
            let keys = select(vec4(EXCLUDED), keys_of(bits), inside);
            nan |= any(((bits & vec4(0x7fffffffu)) > vec4(0x7f800000u)) & inside);
            let high = max(max(keys.x, keys.y), max(keys.z, keys.w));
            let second = select(select(3u, 2u, keys.z == high), 1u, keys.y == high);
            let better = high > best;
            best_id = select(best_id, ids.x + select(second, 0u, keys.x == high), better);
            best = select(best, high, better);
        }
        quad += LANES;
    }
    peaks[row_index * params.chunks + slice * LANES + lane] = select(vec2(0u), vec2(best, MOST_IDS - best_id), best != EXCLUDED);
    atomicMax(&step[2u * row_index], best);
    if nan {
        atomicOr(&step[2u * row_index + 1u], 1u);
    }
}
