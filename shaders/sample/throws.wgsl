// Many draws from one row whose survivors are listed: each invocation has a position of its own.
//
// Shapes: kept [rows] as keep.wgsl leaves it, step [rows] -> throws [rows, throws_room]. Dispatch: params.slices workgroups a row, of
// LANES positions each, from the row's own position + params.throw_first on.
#import sample/record
#import sample/cut
#import sample/noise_near
#import sample/chunk

const LANES: u32 = 64u;

@group(0) @binding(6) var<storage, read> step: array<u32>;
@group(0) @binding(8) var<storage, read> memory: array<u32>;
@group(0) @binding(13) var<storage, read_write> throws: array<u32>;
@group(0) @binding(14) var<storage, read> kept: array<u32>;

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
    let row = listed_row(place.row);
    let number = slice * LANES + lane;
    let words = row * STEP_WORDS;
    let best = step[words];
    let program = row * PROGRAM_WORDS;
    let scale = Scale(bitcast<i32>(programs[program + DRAW_UNIT]), vec2(programs[program + DRAW_FACTOR], programs[program + DRAW_FACTOR + 1u]));
    let rate = bitcast<f32>(programs[program + DRAW_RATE]);
    let start = vec2(memory[row * params.memory_words], memory[row * params.memory_words + 1u]);
    let position = add64(start, vec2(params.throw_first + number, 0u));
    let stream = Stream(vec2(programs[program + SEED], programs[program + SEED + 1u]), position, programs[program + STREAM]);
    let base = row * 3u * params.kept_room;
    let len = min(step[words + KEPT - BEST], params.kept_room);
    let anchor = raised(fixed_of(scale, best));
    let finite = best != INFINITE && best != EXCLUDED;
    let sure = finite && rate > 0.0 && abs(bitcast<f32>(select(0u, bits_of(best), finite))) * rate < LARGE;

    var most = -1000.0;
    var second = -1000.0;
    var at = 0u;
    for (var i = 0u; i < select(0u, len, sure);) {
        let id = kept[base + i];
        let after = min(i + 1u, len - 1u);
        let logits = vec2(bitcast<f32>(kept[base + params.kept_room + i]), bitcast<f32>(kept[base + params.kept_room + after])) * rate;
        // Neighbours share a call of the generator.
        let random = philox(vec4(id >> 1u, stream.position, stream.number), stream.seed);
        let odd = (id & 1u) == 1u;
        let both = !odd && kept[base + after] == id + 1u;
        let high = vec2(select(random.x, random.z, odd), random.z);
        let low = vec2(select(random.y, random.w, odd), random.w);
        let hopes = noise_bound(high.xyxy).xy + logits >= vec2(second);
        // A loop, because processors pass by a loop that no invocation enters, and not by a branch.
        for (var once = u32(hopes.x || (both && hopes.y)); once > 0u; once--) {
            let noisy = noise_near(high.xyxy, low.xyxy).xy + logits;
            let scores = vec2(noisy.x, select(-1000.0, noisy.y, both));
            let best = max(scores.x, scores.y);
            second = max(max(second, min(scores.x, scores.y)), min(most, best));
            at = select(at, select(i, after, scores.y > scores.x), best > most);
            most = max(most, best);
        }
        i += select(1u, 2u, both);
    }
    // Where floats cannot tell, integers go through all of them.
    let told = sure && second < most - MARGIN;
    var winner = select(NO_TOKEN, kept[base + at], told && len > 0u);
    var winner_score = vec2(0u);
    for (var i = select(0u, len, told); i < len; i++) {
        let id = kept[base + i];
        let depth = depth_of(scale, anchor, keys_of(vec4(kept[base + params.kept_room + i])).x);
        let runs = depth.y < 256u;
        let score = score_of(bits_of_token(stream, id), select(vec2(0u), depth, runs));
        let better = runs && (less64(winner_score, score) || (all(winner_score == score) && id < winner));
        winner = select(winner, id, better);
        winner_score = select(winner_score, score, better);
    }
    if number < params.throw_count {
        throws[row * params.throws_room + number] = winner;
    }
}
