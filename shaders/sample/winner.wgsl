// The draw of a row by what noisy.wgsl found: integers decide among the chunks that floats cannot tell from the best one.
//
// Shapes: source [rows, vocab], peaks [rows, chunks] -> tokens, memory. Dispatch: a workgroup a row.
#import sample/race
#import sample/outcome
#import sample/counters
#import sample/chunk

const LANES: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> peaks: array<vec2<u32>>;

var<workgroup> finalists: array<vec4<u32>, LANES>;
var<workgroup> finalist_chunks: array<u32, LANES>;
var<workgroup> survivors: atomic<u32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let place = place_of(group, groups);
    if place.row >= params.row_count || place.slice != 0u {
        return;
    }
    let row = row_at(row_of(place.row));
    load_record(row.index, lane);
    let best = record[BEST];
    let scale = draw_scale();
    let anchor = raised(fixed_of(scale, best));
    let stream = stream_of_record();
    let filtered = record[CUT] != 0u;
    var cut = uncut(best);
    if filtered {
        cut = Cut(record[CUT], record[CUT + 1u], record[CUT + 2u]);
    }
    let base = row.index * params.chunks;
    var last = BEFORE_ALL;
    for (var turn = 0u; turn < params.draws; turn++) {
        let chunks = select(0u, params.chunks, turn < record[DRAWS]);
        var most = 0u;
        var count = 0u;
        for (var at = lane; at < chunks; at += LANES) {
            let chunk = peaks[base + at];
            most = max(most, select(chunk.x, 0u, chunk.x == UNSURE));
            count += chunk.y >> 20u;
        }
        let highest_score = highest(most, lane);
        let bits = select(~highest_score, highest_score & 0x7fffffffu, (highest_score >> 31u) == 1u);
        let least = flipped4(vec4(bitcast<u32>(bitcast<f32>(select(bits, 0xc47a0000u, highest_score == 0u)) - 2.0 * MARGIN))).x;
        var winner = AFTER_ALL;
        var winner_chunk = 0u;
        for (var at = lane; at < chunks; at += LANES) {
            let chunk = peaks[base + at];
            let quad = chunk.y & WHOLE_CHUNK;
            let whole = quad == WHOLE_CHUNK;
            let start = (at / LANES) * LANES * params.chunk_quads + at % LANES;
            let end = select(quad + 1u, min(start + params.chunk_quads * LANES, row.quads), whole);
            // A chunk without survivors has the score 0.
            let contends = chunk.x != 0u && chunk.x >= least;
            let own = race(row, select(quad, start, whole), LANES, select(0u, end, contends), cut, last, scale, anchor, stream);
            if ranks_before(own, winner) {
                winner = own;
                winner_chunk = at;
            }
        }
        // All chunks with an infinite logit contend, with all their tokens.
        if turn == 0u && !filtered {
            atomicAdd(&survivors, select(count, met, best == INFINITE));
        }
        finalists[lane] = vec4(winner.score, winner.id, winner.key);
        finalist_chunks[lane] = winner_chunk;
        workgroupBarrier();
        if lane == 0u {
            for (var other = 1u; other < LANES; other++) {
                let words = finalists[other];
                let ranked = Ranked(words.xy, words.z, words.w);
                if ranks_before(ranked, winner) {
                    winner = ranked;
                    winner_chunk = finalist_chunks[other];
                }
            }
            put_token(row.index, turn, winner.id, winner.key);
            finalists[0] = vec4(winner.score, winner.id, winner.key);
            // What floats say of its chunk holds no longer.
            if winner.id != NO_TOKEN {
                peaks[base + winner_chunk] = vec2(UNSURE, WHOLE_CHUNK);
            }
        }
        storageBarrier();
        workgroupBarrier();
        last = Ranked(finalists[0].xy, finalists[0].z, EXCLUDED);
        workgroupBarrier();
    }
    settle(row.index, record[KEPT] + atomicLoad(&survivors), lane);
}
