// A row's best tokens, in workgroup memory: found among the chunks with the best peaks.
//
// Order words: (key, MOST_IDS - id); the greater pair comes first. All control flow here is the same for all invocations of a workgroup.
#import sample/reader
#import sample/tally

const LANES: u32 = 64u;
const MOST_LISTED: u32 = 256u;
const MOST_CHUNKS: u32 = 384u;
const POOL: u32 = 768u;
// Quads that are looked at before the pool is cut down, where it may overflow: 4 * 128 = POOL - MOST_LISTED.
const ROUND: u32 = 128u;
const KEY_STEPS: u32 = 16u;

var<workgroup> pool: array<vec2<u32>, POOL>;
// One word more, for what is not a chunk.
var<workgroup> list_chunks: array<u32, 385>;

fn not_under(words: vec2<u32>, cut: vec2<u32>) -> bool {
    return words.x > cut.x || (words.x == cut.x && words.y >= cut.y);
}

fn item(from_peaks: bool, at: u32, base: u32) -> vec2<u32> {
    if from_peaks {
        return peaks[base + at];
    }
    return pool[at];
}

// A pair of order words that no less than `count` and no more than `most` of `len` items are not under; there are more than `most`.
// Two bits of the key are found a step, then, where keys do not settle it, two of the id, until there is such a pair.
fn cut_of(from_peaks: bool, base: u32, len: u32, count: u32, most: u32, lane: u32) -> vec2<u32> {
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
        // The last digit's count is that of all items not under the cut, unless the digit is 0: then it is not known.
        let reached = select(select(select(len, many.x, digit == 1u), many.y, digit == 2u), many.z, digit == 3u);
        steps = select(steps, 0u, reached <= most);
    }
    return cut;
}

// The elements of a quad that are not under the cut go to the pool, as far as it has room.
fn quad_to_pool(row: Row, quad: u32, cut: vec2<u32>) {
    var ids = quad_ids(row, quad);
    var keys = keys_of(quad_bits(row, quad));
    for (var j = 0u; j < params.four; j++) {
        let words = vec2(keys.x, MOST_IDS - ids.x);
        if not_under(words, cut) {
            let at = gathered();
            if at < POOL {
                pool[at] = words;
            }
        }
        keys = keys.yzwx;
        ids = ids.yzwx;
    }
}

// Brings the `count` best tokens of the row that are not under `lowest` into the pool, in no order, and perhaps some more, but no more
// than MOST_LISTED; fewer where there are fewer. How many.
fn list_best(row: Row, count: u32, lowest: u32, lane: u32) -> u32 {
    let base = row.index * params.chunks;
    var cut = vec2(lowest, 0u);
    // First the chunks are cut down to those that may hold one of the best; then their elements go to the pool. Mostly all of them
    // fit; where they do not, they come in rounds that cannot overflow, the front of every chunk first, and the pool is cut down.
    var from_peaks = true;
    var len = select(0u, params.chunks, count > 0u);
    var most = min(count + count / 2u, MOST_CHUNKS);
    var chunks = 0u;
    var quads = 0u;
    var done = 0u;
    var round = 0u;
    for (var turn = 0u; turn < select(0u, 4u * params.chunk_quads, count > 0u) && (from_peaks || done < quads); turn++) {
        if !from_peaks {
            for (var at = done + lane; at < min(done + round, quads); at += LANES) {
                // A float divides numbers so small exactly enough.
                let part = u32((f32(at) + 0.5) * (1.0 / f32(chunks)));
                let chunk = list_chunks[at - part * chunks];
                let quad = (chunk / LANES) * LANES * params.chunk_quads + part * LANES + (chunk & (LANES - 1u));
                if quad < row.quads {
                    quad_to_pool(row, quad, cut);
                }
            }
            len = settled_len(lane);
            done += round;
            if len > POOL {
                done = 0u;
                round = ROUND;
                len = 0u;
            }
        }
        if len > most {
            let under = cut_of(from_peaks, base, len, count, most, lane);
            cut = select(cut, under, not_under(under, cut));
        }
        if from_peaks || len > most {
            for (var at = lane; at < len; at += LANES) {
                let words = item(from_peaks, at, base);
                if not_under(words, cut) {
                    let to = gathered();
                    if from_peaks {
                        list_chunks[min(to, MOST_CHUNKS)] = at;
                    } else {
                        spare[to & (MOST_LISTED - 1u)] = words;
                    }
                }
            }
            len = settled_len(lane);
            for (var at = lane; at < select(len, 0u, from_peaks); at += LANES) {
                pool[at] = spare[at];
            }
            if from_peaks {
                from_peaks = false;
                chunks = min(len, MOST_CHUNKS);
                quads = chunks * params.chunk_quads;
                round = quads;
                most = MOST_LISTED;
                len = 0u;
            }
        }
        gather_from(len, lane);
    }
    return len;
}

// Sorts the pool's first `len` tokens, at most MOST_LISTED, best first (Batcher's bitonic network).
fn sort_pool(len: u32, lane: u32) {
    let size = 1u << (32u - countLeadingZeros(max(len, 2u) - 1u));
    for (var at = len + lane; at < size; at += LANES) {
        pool[at] = vec2(0u);
    }
    workgroupBarrier();
    var by = 1u;
    for (var span = 2u; span <= size; span = select(span, span * 2u, by == 0u)) {
        by = select(by, span / 2u, by == 0u);
        for (var i = lane; i < size / 2u; i += LANES) {
            let a = 2u * i - (i & (by - 1u));
            let first = pool[a];
            let second = pool[a + by];
            // Rising and falling runs alternate.
            let falls = (a & span) == 0u;
            if not_under(second, first) == falls {
                pool[a] = second;
                pool[a + by] = first;
            }
        }
        workgroupBarrier();
        by /= 2u;
    }
}
