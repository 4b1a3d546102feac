// Filters and draws where a list of the row's best tokens is enough; says which rows need the whole row.
//
// Shapes: source [rows, vocab], peaks [rows, chunks], masses [rows, chunks], step [rows] -> tokens [rows, draws], then (status, kept) of
// each row; memory [rows]: position and cut; pending rows. Dispatch: a workgroup a row.
#import sample/reader
#import sample/list
#import sample/stages_quick
#import sample/outcome

@group(0) @binding(2) var<storage, read> peaks: array<vec2<u32>>; // then the masses

// More than the list holds: it does not tell.
const BEYOND: u32 = 257u;

// What is known of the list's tokens, in order.
var<workgroup> depths: array<vec2<u32>, MOST_LISTED>;  // as filters see them
var<workgroup> reached: array<vec2<u32>, MOST_LISTED>; // mass up to and with the token
var<workgroup> spare: array<vec2<u32>, MOST_LISTED>;   // scores
var<workgroup> sums: array<vec2<u32>, 128>;

// Sums over the invocations before this one and this one.
fn scan(value: vec2<u32>, lane: u32) -> vec2<u32> {
    var sum = value;
    var half = 0u;
    for (var i = 0u; i < params.scan_steps; i++) {
        let by = 1u << i;
        sums[half + lane] = sum;
        workgroupBarrier();
        sum = select(sum, add64(sum, sums[half + ((lane - by) & (LANES - 1u))]), lane >= by);
        half ^= LANES;
    }
    return sum;
}

// How far the estimated mass may be from the exact one. Each weight is off by 2^-17 of itself at most (three roundings of a depth of
// 47, a polynomial, a sum of 128), and the more the larger the logits are, whose difference is rounded too.
fn doubt_of(estimate: vec2<u32>, anchor: Fixed) -> vec2<u32> {
    let large = 64u - select(countLeadingZeros(anchor.magnitude.y), 32u + countLeadingZeros(anchor.magnitude.x), anchor.magnitude.y == 0u);
    let digits = u32(clamp(54 - i32(large), 0, 16));
    return select(estimate, add64(right64(estimate, digits), vec2(1u, 0u)), anchor.counted && digits > 0u);
}

// How many of the list the wish keeps; BEYOND where the list does not tell.
fn kept_by(wish: Wish, mass: vec2<u32>, len: u32, lane: u32) -> u32 {
    var limit = Limit(BOTTOM, true);
    if wish.kind == HEAVY {
        limit = depth_of_weight(mass);
    }
    var first = BEYOND;
    for (var i = 0u; i < params.four; i++) {
        let at = params.four * lane + i;
        let heavy = limit.some && !less64(limit.depth, depths[at]);
        // The number kept if this token is the last, or the first that is not.
        let last = wish.kind == PREFIX && !less64(reached[at], mass);
        let beyond = wish.kind == HEAVY && !heavy;
        let number = select(select(BEYOND, at, beyond), at + 1u, last);
        first = min(first, select(BEYOND, number, at < len));
    }
    let found = BEYOND - highest(BEYOND - first, lane);
    let nothing = wish.kind == PREFIX && all(mass == vec2(0u));
    return max(select(found, 0u, nothing), max(record[MIN_KEEP], select(0u, wish.count, wish.kind == PREFIX)));
}

// How much of the list survives; BEYOND where the list is not enough.
fn filtered(listed: u32, all_listed: u32, estimate: vec2<u32>, doubt: vec2<u32>, lane: u32) -> u32 {
    var len = listed;
    // The list is a row's best tokens. It is all that survives where nothing was left out of it, or once a stage cuts within it.
    var complete = len < all_listed;
    var untouched = true;
    var settled = true;
    for (var s = 0u; s < record[STAGE_COUNT]; s++) {
        let stage = stage_at(s);
        let wish = wish_of(stage);
        // Shares of a mass that is not that of the list: of the row's, which is known to lie between two.
        let of_whole = stage.what == TOP_P && (stage.two & 2u) != 0u;
        let shares = stage.what == TOP_P || stage.what == EPSILON;
        let known = complete && !of_whole;
        let mass = reached[max(len, 1u) - 1u];
        var kept = 0u;
        var kept_low = 0u;
        for (var turn = 0u; turn < select(2u, 1u, known || !shares); turn++) {
            let bound = select(sub64(estimate, doubt), add64(estimate, doubt), turn == 1u);
            let whole = select(bound, mass, known);
            kept_low = kept;
            let facts = Facts(whole, whole, vec2(0u, 8192u), vec2(0u));
            kept = kept_by(wish, least_of_wish(wish, facts), len, lane);
            kept_low = select(kept_low, kept, turn == 0u);
        }
        settled = settled && (complete || untouched || of_whole || !shares) && min(kept, len + 1u) == min(kept_low, len + 1u);
        complete = complete || kept <= len;
        untouched = false;
        len = min(len, kept);
    }
    return select(BEYOND, len, settled && complete);
}

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
    load_record(row.index, lane);
    let best = record[BEST];
    let anchor = fixed_of(filter_scale(), best);
    let estimate = vec2(record[MASS], record[MASS + 1u]);
    // A rate of 0 is one that floats cannot hold.
    let doubt = select(doubt_of(estimate, anchor), estimate, record[FILTER_RATE] == 0u);
    // Where not even so many of the best are enough, there is no need of a list.
    let stage = stage_at(0u);
    let hopeless = (record[NEEDS_MASS] & 1u) != 0u && stage.what == TOP_P
        && less64(vec2(0u, record[LIST_LEN] << 13u), portion(sub64(estimate, doubt), stage.one, false));
    let wanted = select(record[LIST_LEN], 0u, hopeless);
    // An infinite logit leaves only its like.
    let listed = list_best(row, wanted, select(LOWEST, INFINITE, best == INFINITE), lane);

    sort_pool(listed, lane);
    // First each token's depth and weight as filters see it, then its depth and score in the draw. In one loop, because the code of a
    // depth is long.
    let stream = stream_of_record();
    var scale = filter_scale();
    var under = anchor;
    for (var turn = 0u; turn < params.two; turn++) {
        var total = vec2(0u);
        for (var i = 0u; i < params.four; i++) {
            let at = params.four * lane + i;
            let words = pool[at];
            let depth = depth_of(scale, under, words.x);
            if turn == 0u {
                total = add64(total, select(vec2(0u), weight_of(depth), at < listed));
                depths[at] = depth;
                reached[at] = total;
            } else {
                let runs = at < listed && depth.y < 256u;
                let score = score_of(bits_of_token(stream, MOST_IDS - words.y), select(vec2(0u), depth, runs));
                spare[at] = select(vec2(0u), score, runs);
            }
        }
        if turn == 0u {
            let before = sub64(scan(total, lane), total);
            for (var i = 0u; i < params.four; i++) {
                let at = params.four * lane + i;
                reached[at] = add64(reached[at], before);
            }
        }
        workgroupBarrier();
        scale = draw_scale();
        under = raised(fixed_of(scale, best));
    }
    let len = filtered(min(listed, wanted), wanted, estimate, doubt, lane);
    if hopeless || len == BEYOND {
        if lane == 0u {
            add_pending(row.index);
        }
        return;
    }

    // The tokens with the most of score and noise, one after the other: the highest word, then the lower one, then the lowest id.
    var last = vec3(0xffffffffu);
    for (var place = 0u; place < params.draws; place++) {
        var winner = vec3(0u);
        for (var turn = 0u; turn < 3u; turn++) {
            var value = 0u;
            for (var at = lane; at < select(0u, len, place < record[DRAWS]); at += LANES) {
                let rank = vec3(spare[at].y, spare[at].x, pool[at].y);
                let is_left = rank.x < last.x || (rank.x == last.x && (rank.y < last.y || (rank.y == last.y && rank.z < last.z)));
                let still = is_left && (turn == 0u || rank.x == winner.x) && (turn < 2u || rank.y == winner.y);
                value = max(value, select(0u, select(select(rank.z, rank.y, turn == 1u), rank.x, turn == 0u), still));
            }
            let found = highest(value, lane);
            winner = select(select(vec3(winner.xy, found), vec3(winner.x, found, 0u), turn == 1u), vec3(found, 0u, 0u), turn == 0u);
        }
        // Its key is looked up by its id.
        for (var at = lane; at < select(0u, len, winner.x != 0u); at += LANES) {
            if pool[at].y == winner.z {
                put_token(row.index, place, MOST_IDS - winner.z, pool[at].x);
            }
        }
        if lane == 0u && winner.x == 0u {
            put_token(row.index, place, NO_TOKEN, EXCLUDED);
        }
        last = winner;
    }
    let lowest = pool[max(len, 1u) - 1u];
    put_cut(row.index, len, Cut(best, lowest.x, MOST_IDS - lowest.y), lane);
    settle(row.index, len, lane);
}
