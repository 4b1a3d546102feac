// The draw of a row that is not filtered: the best of its chunks' winners.
//
// Shapes: source [rows, vocab], peaks [rows, chunks] as noisy.wgsl leaves them -> tokens, memory. Dispatch: a workgroup a row.
#import sample/params
#import sample/reader
#import sample/fixed
#import sample/gumbel
#import sample/program
#import sample/outcome

const LANES: u32 = 64u;

@group(0) @binding(2) var<storage, read> peaks: array<vec2<u32>>;
@group(0) @binding(4) var<storage, read> row_list: array<u32>;

var<workgroup> scores: array<vec2<u32>, LANES>;
var<workgroup> ids: array<u32, LANES>;
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
    let row_index = row_list[params.list_first + index];
    let row = row_at(row_index);
    let best = best_key(row_index);
    let scale = draw_scale(row_index);
    let anchor = raised(fixed_of(scale, best));
    let stream = stream_of(row_index);
    var most = vec2(0u);
    var winner = NO_TOKEN;
    var count = 0u;
    for (var at = lane; at < params.chunks; at += LANES) {
        let peak = peaks[row_index * params.chunks + at];
        // Where a logit is infinite, chunks without one have nothing to offer.
        let offers = peak.x != EXCLUDED && (best != INFINITE || peak.x == INFINITE);
        let id = peak.y & MOST_IDS;
        let depth = depth_of(scale, anchor, key_at(row, min(id, params.vocab - 1u)));
        let able = offers && depth.y < 256u;
        let score = score_of(bits_of_token(stream, id), select(vec2(0u), depth, able));
        count += select(0u, peak.y >> 20u, offers);
        let better = able && (less64(most, score) || (all(most == score) && id < winner));
        winner = select(winner, id, better);
        most = select(most, score, better);
    }
    scores[lane] = most;
    ids[lane] = winner;
    counts[lane] = count;
    workgroupBarrier();
    if lane == 0u {
        for (var other = 1u; other < LANES; other++) {
            let better = less64(most, scores[other]) || (all(most == scores[other]) && ids[other] < winner);
            winner = select(winner, ids[other], better);
            most = select(most, scores[other], better);
            count += counts[other];
        }
        put_token(row_index, 0u, winner);
        for (var place = 1u; place < params.draws; place++) {
            put_token(row_index, place, NO_TOKEN);
        }
        settle(row_index, best, count, Cut(best, select(LOWEST, INFINITE, best == INFINITE), NO_TOKEN));
    }
}
