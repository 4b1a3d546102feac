// The exact mass of a row: of what survives as it is drawn, or (params.raw) of the row as it came at temperature 1; then also how many
// stand before the drawn token.
//
// Shapes: source [rows, vocab], tokens [rows, draws] -> step [rows] sum, before. Dispatch: as peaks.wgsl.
#import sample/record
#import sample/reader
#import sample/cut

const LANES: u32 = 64u;

@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;
@group(0) @binding(7) var<storage, read> tokens: array<u32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let place = place_of(group, groups);
    let slice = place.slice;
    if place.row >= params.row_count {
        return;
    }
    let row = row_at(listed_row(place.row));
    let words = row.index * STEP_WORDS;
    let best = atomicLoad(&step[words]);
    let program = row.index * PROGRAM_WORDS;
    var scale = Scale(bitcast<i32>(params.raw_unit), vec2(params.raw_low, params.raw_high));
    var cut = uncut(best);
    var token = 0u;
    var token_key = NO_TOKEN;
    if params.raw == 1u {
        token = min(tokens[row.index * params.draws], params.vocab - 1u);
        token_key = keys_of(vec4(quad_bits(row, token >> 2u)[token & 3u])).x;
    } else {
        scale = Scale(
            bitcast<i32>(programs[program + DRAW_UNIT]), vec2(programs[program + DRAW_FACTOR], programs[program + DRAW_FACTOR + 1u])
        );
        let at = words + CUT - BEST;
        if atomicLoad(&step[at]) != 0u {
            cut = Cut(atomicLoad(&step[at]), atomicLoad(&step[at + 1u]), atomicLoad(&step[at + 2u]));
        }
    }
    let anchor = fixed_of(scale, best);
    var sum = vec2(0u);
    var count = 0u;
    let first = slice * LANES * params.chunk_quads + lane;
    for (var quad = first; quad < min(first + params.chunk_quads * LANES, row.quads); quad += LANES) {
        var ids = quad_ids(row, quad);
        var keys = keys_of(quad_bits(row, quad));
        for (var i = 0u; i < params.four; i++) {
            let survives = alive(keys.x, ids.x, cut);
            sum = add64(sum, select(vec2(0u), weight_of(depth_of(scale, anchor, keys.x)), survives));
            count += u32(keys.x > token_key || (keys.x == token_key && ids.x < token));
            ids = ids.yzwx;
            keys = keys.yzwx;
        }
    }
    let old = atomicAdd(&step[words + SUM - BEST], sum.x);
    atomicAdd(&step[words + SUM + 1u - BEST], sum.y + u32(old + sum.x < old));
    atomicAdd(&step[words + STANDS_BEFORE - BEST], count);
}
