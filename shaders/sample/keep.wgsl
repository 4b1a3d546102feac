// The tokens that survive: ids up, then those that bias, mask or penalties touched.
//
// Shapes: source [rows, vocab], step [rows] -> kept [rows] of params.kept_room ids, then as many logits (F32 bits), then as many
// log-probabilities. What has no room is left out. Dispatch: a workgroup a row.
#import sample/reader
#import sample/cut
#import sample/logprob
#import sample/record

const LANES: u32 = 64u;

@group(0) @binding(6) var<storage, read> step: array<u32>;
@group(0) @binding(14) var<storage, read_write> kept: array<u32>;

var<workgroup> counts: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= params.row_count {
        return;
    }
    let row = row_at(listed_row(index));
    let words = row.index * STEP_WORDS;
    let best = step[words];
    var cut = uncut(best);
    if step[words + CUT - BEST] != 0u {
        cut = Cut(step[words + CUT - BEST], step[words + CUT + 1u - BEST], step[words + CUT + 2u - BEST]);
    }
    let program = row.index * PROGRAM_WORDS;
    let factor = vec2(programs[program + DRAW_FACTOR], programs[program + DRAW_FACTOR + 1u]);
    let scale = Scale(bitcast<i32>(programs[program + DRAW_UNIT]), factor);
    let anchor = fixed_of(scale, best);
    let mass = vec2(step[words + SUM - BEST], step[words + SUM + 1u - BEST]);
    // Each invocation has a run of quads: it counts them, and then knows where to write.
    let share = (row.quads + LANES - 1u) / LANES;
    let end = min((lane + 1u) * share, row.quads);
    var at = 0u;
    for (var turn = 0u; turn < params.two; turn++) {
        for (var quad = lane * share; quad < end; quad++) {
            var ids = quad_ids(row, quad);
            var bits = quad_bits(row, quad);
            var survives = alive4(keys_of(bits), ids, cut);
            for (var i = select(0u, params.four, any(survives)); i > 0u; i--) {
                if survives.x && turn == 1u && at < params.kept_room {
                    let base = row.index * 3u * params.kept_room + at;
                    kept[base] = ids.x;
                    kept[base + params.kept_room] = bits.x;
                    kept[base + 2u * params.kept_room] = log_probability(depth_of(scale, anchor, keys_of(bits).x), mass);
                }
                at += u32(survives.x);
                ids = ids.yzwx;
                bits = bits.yzwx;
                survives = survives.yzwx;
            }
        }
        if turn == 0u {
            counts[lane] = at;
            workgroupBarrier();
            at = 0u;
            for (var other = 0u; other < lane; other++) {
                at += counts[other];
            }
        }
    }
}
