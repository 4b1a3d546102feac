// A row's best tokens as a sorted list in workgroup memory: found among the chunks with the best peaks.
//
// Order words: (key, MOST_IDS - id); the greater pair comes first. All control flow here is the same for all invocations of a workgroup.
#import sample/reader
#import sample/tally

const LANES: u32 = 64u;
const MOST_LISTED: u32 = 256u;
const POOL: u32 = 1024u;
// Quads that are looked at before the pool is cut down, where it may overflow: 4 * 192 = POOL - MOST_LISTED.
const ROUND: u32 = 192u;
const KEY_STEPS: u32 = 16u;

var<workgroup> pool_keys: array<u32, POOL>;
var<workgroup> pool_ids: array<u32, POOL>;
var<workgroup> list_keys: array<u32, MOST_LISTED>;
var<workgroup> list_ids: array<u32, MOST_LISTED>;
// One word more, for what is not a chunk.
var<workgroup> list_chunks: array<u32, 257>;

fn not_under(words: vec2<u32>, cut: vec2<u32>) -> bool {
    return words.x > cut.x || (words.x == cut.x && words.y >= cut.y);
}

fn item(from_peaks: bool, at: u32, base: u32) -> vec2<u32> {
    if from_peaks {
        return peaks[base + at];
    }
    return vec2(pool_keys[at], pool_ids[at]);
}

// The pair of order words at which the `count` best of `len` items end: those not under it are `count`, or all where there are fewer.
// Two bits of the key are found a step, then, where keys do not settle it, two of the id.
fn cut_of(from_peaks: bool, base: u32, len: u32, count: u32, lane: u32) -> vec2<u32> {
    var cut = vec2(0u);
    var steps = params.cut_steps;
    for (var step = 0u; step < steps; step++) {
        let of_key = step < KEY_STEPS;
        let shift = select(50u - 2u * step, 30u - 2u * step, of_key);
        let known = select(cut.y, cut.x, of_key);
        let third = vec3(known | (1u << shift), known | (2u << shift), known | (3u << shift));
        var one = 0u;
        var two = 0u;
        for (var at = lane; at < len; at += LANES) {
            let words = item(from_peaks, at, base);
            // Before the key is known the key is compared; then the id, among the items of that key.
            let beside = select(select(0u, 0xffffffffu, words.x > cut.x), words.y, words.x == cut.x);
            let word = select(beside, words.x, of_key);
            one += u32(word >= third.x) | (u32(word >= third.y) << 16u);
            two += u32(word >= third.z);
        }
        let totals = tally(one, two, lane);
        let many = vec3(totals.x & 0xffffu, totals.x >> 16u, totals.y);
        let digit = select(select(select(0u, 1u, many.x >= count), 2u, many.y >= count), 3u, many.z >= count);
        cut = select(vec2(cut.x, cut.y | (digit << shift)), vec2(cut.x | (digit << shift), 0u), of_key);
        // The last digit's count is that of all keys not under the cut, unless the digit is 0: then it is not known.
        let reached = select(select(select(0u, many.x, digit == 1u), many.y, digit == 2u), many.z, digit == 3u);
        steps = select(steps, KEY_STEPS, step == KEY_STEPS - 1u && reached == count);
    }
    return cut;
}

// The elements of a quad that are not under the cut go to the pool, as far as it has room.
fn quad_to_pool(row: Row, quad: u32, cut: vec2<u32>) {
    let ids = quad_ids(row, quad);
    let keys = quad_keys(row, min(quad, row.quads - 1u));
    for (var j = 0u; j < params.four; j++) {
        let words = vec2(keys[j], MOST_IDS - ids[j]);
        if quad < row.quads && not_under(words, cut) {
            let at = gathered();
            if at < POOL {
                pool_keys[at] = words.x;
                pool_ids[at] = words.y;
            }
        }
    }
}

// Fills the list with the `count` best tokens of the row that are not under `lowest`, fewer where there are fewer; how many.
fn list_best(row_index: u32, count: u32, lowest: u32, lane: u32) -> u32 {
    let row = row_at(row_index);
    let base = row_index * params.chunks;
    var cut = vec2(lowest, 0u);
    // First the chunks are cut down to those that may hold one of the best; then their elements go to the pool. Mostly all of them
    // fit; where they do not, they come in rounds that cannot overflow, the front of every chunk first, and the pool is cut down.
    var from_peaks = true;
    var len = params.chunks;
    var room = count;
    var chunks = 0u;
    var quads = 0u;
    var done = 0u;
    var round = 0u;
    for (var turn = 0u; turn < 2u * params.chunk_quads && (from_peaks || done < quads); turn++) {
        if !from_peaks {
            for (var at = done + lane; at < min(done + round, quads); at += LANES) {
                // A float divides numbers so small exactly enough.
                let part = u32((f32(at) + 0.5) * (1.0 / f32(chunks)));
                let chunk = list_chunks[at - part * chunks];
                let quad = (chunk / LANES) * LANES * params.chunk_quads + part * LANES + (chunk & (LANES - 1u));
                quad_to_pool(row, quad, cut);
            }
            len = settled_len(lane);
            done += round;
            if len > POOL {
                done = 0u;
                round = ROUND;
                room = count;
                len = 0u;
            }
        }
        if len > room {
            let under = cut_of(from_peaks, base, len, count, lane);
            cut = select(cut, under, not_under(under, cut));
        }
        if from_peaks || len > room {
            for (var at = lane; at < len; at += LANES) {
                let words = item(from_peaks, at, base);
                if not_under(words, cut) {
                    let to = gathered() & (MOST_LISTED - 1u);
                    list_chunks[select(to, MOST_LISTED, !from_peaks)] = at;
                    list_keys[to] = words.x;
                    list_ids[to] = words.y;
                }
            }
            len = settled_len(lane);
            if from_peaks {
                from_peaks = false;
                chunks = len;
                quads = len * params.chunk_quads;
                round = quads;
                room = MOST_LISTED;
                len = 0u;
            } else {
                for (var at = lane; at < len; at += LANES) {
                    pool_keys[at] = list_keys[at];
                    pool_ids[at] = list_ids[at];
                }
            }
        }
        gather_from(len, lane);
    }
    // Sorted by counting: an item's place is the number of items before it.
    for (var at = lane; at < len; at += LANES) {
        let words = vec2(pool_keys[at], pool_ids[at]);
        var place = 0u;
        for (var other = 0u; other < len; other++) {
            place += u32(pool_keys[other] > words.x || (pool_keys[other] == words.x && pool_ids[other] > words.y));
        }
        list_keys[place & (MOST_LISTED - 1u)] = words.x;
        list_ids[place & (MOST_LISTED - 1u)] = MOST_IDS - words.y;
    }
    workgroupBarrier();
    return min(len, count);
}
