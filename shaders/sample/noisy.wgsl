// The likely winner of each chunk of a row: of its survivors the one with the most of score and noise, as far as floats tell. So the row
// is read once, and only the chunks that may hold the row's winner are looked at again.
//
// Shapes: source [rows, vocab] -> peaks [rows, chunks] (its score, as a word that orders as it does, or UNSURE; the number of survivors
// << 20 | the winner's quad, or WHOLE_CHUNK); step [rows] (best key, NaN seen). Dispatch: as peaks.wgsl.
#import sample/propose
#import sample/chunk
#import sample/record

const LANES: u32 = 64u;

@group(0) @binding(2) var<storage, read_write> peaks: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;
@group(0) @binding(8) var<storage, read> memory: array<u32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let place = place_of(group, groups);
    if place.row >= params.row_count {
        return;
    }
    var listed = 0u;
    if params.pending == 1u {
        listed = atomicLoad(&step[STEP_WORDS * params.rows + 1u + place.row]);
    } else {
        listed = listed_row(place.row);
    }
    let row = row_at(listed);
    let program = row.index * PROGRAM_WORDS;
    let rate = bitcast<f32>(programs[program + DRAW_RATE]);
    let at = row.index * params.memory_words;
    let seed = vec2(programs[program + SEED], programs[program + SEED + 1u]);
    let stream = Stream(seed, vec2(memory[at], memory[at + 1u]), programs[program + STREAM]);
    let words = row.index * STEP_WORDS;
    let kept = words + CUT - BEST;
    var cut = Cut(atomicLoad(&step[kept]), atomicLoad(&step[kept + 1u]), atomicLoad(&step[kept + 2u]));
    if cut.top == 0u {
        cut = Cut(NO_TOKEN, LOWEST, NO_TOKEN);
    }

    let first = place.slice * LANES * params.chunk_quads + lane;
    let end = min(first + params.chunk_quads * LANES, row.quads);
    let found = propose(row, first, LANES, end, cut, rate, stream);
    // Logits that are infinite, or so large that floats do not tell them apart, are left to the integers.
    let finite = found.best != INFINITE && found.best != EXCLUDED;
    let sure = finite && rate > 0.0 && abs(bitcast<f32>(select(0u, bits_of(found.best), finite))) * rate < LARGE;
    let score = select(UNSURE, flipped4(vec4(bitcast<u32>(found.most))).x, sure);
    let spot = select(WHOLE_CHUNK, found.quad, sure && found.second < found.most - MARGIN);
    let slice_at = row.index * params.chunks + place.slice * LANES + lane;
    peaks[slice_at] = select(vec2(0u), vec2(score, (found.count << 20u) | spot), found.count > 0u);
    atomicMax(&step[words], found.best);
    if found.nan {
        atomicOr(&step[words + 1u], 1u);
    }
}
