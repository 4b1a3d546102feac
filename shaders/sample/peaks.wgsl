// The best token of each chunk of a row. The k best of the row all lie in the k chunks with the best peaks, however the row is cut.
//
// Shapes: source [rows, vocab] -> peaks [rows, chunks] (key, MOST_IDS - id), (0, 0) where there is none; step [rows] (best key, NaN seen).
// Dispatch: a workgroup takes 64 chunks that interleave, so that neighbouring invocations load neighbouring quads.
#import sample/record
#import sample/reader

const LANES: u32 = 64u;
// Negative infinity as it is ordered by `flipped`, before what is special is set right. Less that, what is NaN is beyond FINITE.
const FLIPPED_LOWEST: u32 = 0x007fffffu;
const FINITE: u32 = 0xff000001u;
const FLIPPED_ZERO: u32 = 0x7f800001u;

@group(0) @binding(2) var<storage, read_write> peaks: array<vec2<u32>>;
@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;

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
    let first = slice * LANES * params.chunk_quads + lane;
    let end = min(first + params.chunk_quads * LANES, row.quads);
    // First as if there were neither NaN nor a zero's sign, nor quads that are not the row's alone.
    var most = 0u;
    var at = first;
    for (var quad = first; quad < min(end, row.plain_quads); quad += LANES) {
        let flipped = flipped4(loaded_quad(row, quad)) - vec4(FLIPPED_LOWEST);
        let high = max(max(flipped.x, flipped.y), max(flipped.z, flipped.w));
        at = select(at, quad, high > most);
        most = max(most, high);
    }
    // Then with all care, where that was wrong; otherwise for the one quad that matters.
    let careful = most > FINITE || most == FLIPPED_ZERO || most == FLIPPED_ZERO - 1u || end > row.plain_quads;
    var best = EXCLUDED;
    var best_id = 0u;
    var nan = false;
    for (var quad = select(at, first, careful); quad < select(min(at + 1u, end), end, careful); quad += LANES) {
        let ids = quad_ids(row, quad);
        let bits = quad_bits(row, quad);
        let keys = keys_of(bits);
        nan |= any(is_nan(bits));
        let high = max(max(keys.x, keys.y), max(keys.z, keys.w));
        let id = select(select(select(ids.w, ids.z, keys.z == high), ids.y, keys.y == high), ids.x, keys.x == high);
        let better = high > best || (high == best && id < best_id);
        best_id = select(best_id, id, better);
        best = max(best, high);
    }
    peaks[row.index * params.chunks + slice * LANES + lane] = select(vec2(0u), vec2(best, MOST_IDS - best_id), best != EXCLUDED);
    atomicMax(&step[row.index * STEP_WORDS], best);
    if nan {
        atomicOr(&step[row.index * STEP_WORDS + 1u], 1u);
    }
}
