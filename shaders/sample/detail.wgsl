// What is asked about a draw besides the token: log-probabilities, its rank, the best tokens of the row as it came.
//
// Shapes: source [rows, vocab], peaks [rows, chunks], step and raw_step [rows], tokens [rows, draws] -> details [rows]: the raw
// log-probability, the processed one, the rank, how many best there are; then their ids and log-probabilities. Dispatch: a workgroup a row.
#import sample/reader
#import sample/list
#import sample/logprob
#import sample/record

@group(0) @binding(2) var<storage, read> peaks: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read> step: array<u32>;
@group(0) @binding(7) var<storage, read> tokens: array<u32>;
@group(0) @binding(13) var<storage, read> raw_step: array<u32>;
@group(0) @binding(14) var<storage, read_write> details: array<u32>;

var<workgroup> spare: array<vec2<u32>, MOST_LISTED>;

const DETAIL_WORDS: u32 = 4u;

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
    let at = row.index * (DETAIL_WORDS + 2u * params.top);
    let words = row.index * STEP_WORDS;
    let best = raw_step[words];
    let listed = list_best(row, params.top, select(LOWEST, INFINITE, best == INFINITE), lane);
    sort_pool(listed, lane);
    let found = min(listed, params.top);
    // The top tokens, and in the last two turns the one that was drawn, as it came and as it was drawn.
    let token = min(tokens[row.index * params.draws], params.vocab - 1u);
    for (var i = lane; i < found + 2u; i += LANES) {
        let processed = i == found + 1u;
        let own = keys_of(vec4(quad_bits(row, token >> 2u)[token & 3u])).x;
        var key = pool[min(i, MOST_LISTED - 1u)].x;
        key = select(select(key, own, i == found), step[words + DRAWN - BEST], processed);
        var scale = Scale(bitcast<i32>(params.raw_unit), vec2(params.raw_low, params.raw_high));
        var under = best;
        var mass = vec2(raw_step[words + SUM - BEST], raw_step[words + SUM + 1u - BEST]);
        if processed {
            let program = row.index * PROGRAM_WORDS;
            let factor = vec2(programs[program + DRAW_FACTOR], programs[program + DRAW_FACTOR + 1u]);
            scale = Scale(bitcast<i32>(programs[program + DRAW_UNIT]), factor);
            under = step[words];
            mass = vec2(step[words + SUM - BEST], step[words + SUM + 1u - BEST]);
        }
        let depth = select(depth_of(scale, fixed_of(scale, under), key), BOTTOM, key > under || key == EXCLUDED);
        let value = log_probability(depth, mass);
        if i >= found {
            details[at + i - found] = value;
        } else {
            details[at + DETAIL_WORDS + 2u * i] = MOST_IDS - pool[min(i, MOST_LISTED - 1u)].y;
            details[at + DETAIL_WORDS + 2u * i + 1u] = value;
        }
    }
    if lane < 2u {
        details[at + 2u + lane] = select(raw_step[words + STANDS_BEFORE - BEST], found, lane == 1u);
    }
}
