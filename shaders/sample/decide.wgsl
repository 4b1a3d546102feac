// Filters and draws where a list of the row's best tokens is enough; says which rows need the whole row.
//
// Shapes: source [rows, vocab], peaks [rows, chunks], masses [rows, chunks], tops [rows] -> tokens [rows, draws], then (status, kept) of
// each row; memory [rows]: position and cut; pending rows. Dispatch: a workgroup a row.
#import sample/params
#import sample/reader
#import sample/fixed
#import sample/gumbel
#import sample/program
#import sample/list
#import sample/stages_quick
#import sample/outcome

@group(0) @binding(2) var<storage, read> peaks: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> masses: array<f32>;
@group(0) @binding(4) var<storage, read> row_list: array<u32>;

var<workgroup> depths: array<vec2<u32>, MOST_LISTED>;
var<workgroup> reached: array<vec2<u32>, MOST_LISTED>; // mass up to and with the token
var<workgroup> sums: array<vec2<u32>, 128>;

// Sums over the invocations before this one and this one.
fn scan(value: vec2<u32>, lane: u32) -> vec2<u32> {
    var sum = value;
    var half = 0u;
    for (var by = 1u; by < params.lanes; by *= 2u) {
        sums[half + lane] = sum;
        workgroupBarrier();
        sum = select(sum, add64(sum, sums[half + ((lane - by) & (LANES - 1u))]), lane >= by);
        half ^= LANES;
    }
    sums[half + lane] = sum;
    workgroupBarrier();
    return sum;
}

// A chunk's mass, estimated in floats with the best token as 1, in the units of weights.
fn fixed_mass(mass: f32) -> vec2<u32> {
    let bits = bitcast<u32>(mass);
    let mantissa = vec2((bits & 0x7fffffu) | 0x800000u, 0u);
    let shift = i32((bits >> 23u) & 255u) - 105;
    return select(right64(mantissa, u32(clamp(-shift, 0, 63))), left64(mantissa, u32(clamp(shift, 0, 40))), shift >= 0);
}

// How far the estimated mass may be from the exact one. Each weight is off by 2^-17 of itself at most (three roundings of a depth of
// 47, a polynomial, a sum of 128), and the more the larger the logits are, whose difference is rounded too.
fn doubt_of(estimate: vec2<u32>, anchor: Fixed) -> vec2<u32> {
    let large = 64u - select(countLeadingZeros(anchor.magnitude.y), 32u + countLeadingZeros(anchor.magnitude.x), anchor.magnitude.y == 0u);
    let digits = u32(clamp(54 - i32(large), 0, 16));
    return select(estimate, add64(right64(estimate, digits), vec2(1u, 0u)), anchor.counted && digits > 0u);
}

// How many of the list the wish keeps; MOST_LISTED + 1 where the list does not tell.
fn kept_by(wish: Wish, len: u32, min_keep: u32, lane: u32) -> u32 {
    var limit = Limit(BOTTOM, true);
    if wish.kind == HEAVY {
        limit = depth_of_weight(wish.mass);
    }
    var first = MOST_LISTED + 1u;
    for (var i = 0u; i < params.four; i++) {
        let at = params.four * lane + i;
        let heavy = limit.some && !less64(limit.depth, depths[at]);
        // The number kept if this token is the last, or the first that is not.
        let last = wish.kind == PREFIX && !less64(reached[at], wish.mass);
        let beyond = wish.kind == HEAVY && !heavy;
        let number = select(select(MOST_LISTED + 1u, at, beyond), at + 1u, last);
        first = min(first, select(MOST_LISTED + 1u, number, at < len));
    }
    let found = least(first, lane);
    let nothing = wish.kind == PREFIX && all(wish.mass == vec2(0u));
    return max(select(found, 0u, nothing), max(min_keep, select(0u, wish.count, wish.kind == PREFIX)));
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
    let row = row_list[params.list_first + index];
    let best = best_key(row);
    let listed = programs[row].list_len;
    // An infinite logit leaves only its like.
    var len = list_best(row, listed, select(LOWEST, INFINITE, best == INFINITE), lane);

    let filter_by = filter_scale(row);
    let anchor = fixed_of(filter_by, best);
    var total = vec2(0u);
    for (var i = 0u; i < params.four; i++) {
        let at = params.four * lane + i;
        let depth = depth_of(filter_by, anchor, list_keys[at]);
        total = add64(total, select(vec2(0u), weight_of(depth), at < len));
        depths[at] = depth;
        reached[at] = total;
    }
    // The list's masses, and then the row's, as far as floats tell.
    var sum = total;
    for (var turn = 0u; turn < 1u + programs[row].needs_mass; turn++) {
        if turn == 1u {
            sum = vec2(0u);
            for (var at = lane; at < params.chunks; at += LANES) {
                sum = add64(sum, fixed_mass(masses[row * params.chunks + at]));
            }
        }
        sum = scan(sum, lane);
        if turn == 0u {
            for (var i = 0u; i < params.four; i++) {
                let at = params.four * lane + i;
                reached[at] = add64(reached[at], sub64(sum, total));
            }
        }
    }
    workgroupBarrier();
    let estimate = sums[LANES - 1u];
    let doubt = doubt_of(estimate, anchor);

    // The list is a row's best tokens. It is all that survives where nothing was left out of it, or once a stage cuts within it.
    var complete = len < listed;
    var untouched = true;
    var settled = true;
    for (var s = 0u; s < programs[row].stage_count; s++) {
        let stage = programs[row].stages[s];
        // Shares of a mass that is not that of the list: of the row's, which is known to lie between two.
        let of_whole = stage.x == TOP_P && (stage.z & 2u) != 0u;
        let shares = stage.x == TOP_P || stage.x == EPSILON;
        let known = complete && !of_whole;
        let mass = reached[max(len, 1u) - 1u];
        let low = select(sub64(estimate, doubt), mass, known);
        let high = select(add64(estimate, doubt), mass, known);
        var kept = 0u;
        var kept_low = 0u;
        for (var turn = 0u; turn < select(2u, 1u, known || !shares); turn++) {
            let whole = select(low, high, turn == 1u);
            kept_low = kept;
            kept = kept_by(wish_of(stage, Facts(whole, whole, vec2(0u, 8192u), vec2(0u))), len, programs[row].min_keep, lane);
            kept_low = select(kept_low, kept, turn == 0u);
        }
        settled = settled && (complete || untouched || of_whole || !shares) && min(kept, len + 1u) == min(kept_low, len + 1u);
        complete = complete || kept <= len;
        untouched = false;
        len = min(len, kept);
    }
    settled = settled && complete;

    if !settled {
        if lane == 0u {
            add_pending(row);
        }
        return;
    }
    let draw_by = draw_scale(row);
    let draw_anchor = raised(fixed_of(draw_by, best));
    let stream = stream_of(row);
    // The pool is free: it holds the scores.
    for (var at = lane; at < len; at += LANES) {
        let depth = depth_of(draw_by, draw_anchor, list_keys[at]);
        let score = score_of(bits_of_token(stream, list_ids[at]), select(vec2(0u), depth, depth.y < 256u));
        pool_keys[at] = select(0u, score.y, depth.y < 256u);
        pool_ids[at] = score.x;
    }
    workgroupBarrier();
    for (var at = lane; at < len; at += LANES) {
        let score = vec2(pool_ids[at], pool_keys[at]);
        var place = select(0u, params.draws, score.y == 0u);
        for (var other = 0u; other < len; other++) {
            let beside = vec2(pool_ids[other], pool_keys[other]);
            place += u32(less64(score, beside) || (all(score == beside) && list_ids[other] < list_ids[at]));
        }
        if place < programs[row].draws {
            put_token(row, place, list_ids[at]);
        }
    }
    if lane < params.draws {
        var able = 0u;
        for (var other = 0u; other < len; other++) {
            able += u32(pool_keys[other] != 0u);
        }
        for (var at = lane; at < params.draws; at += LANES) {
            if at >= min(able, programs[row].draws) {
                put_token(row, at, NO_TOKEN);
            }
        }
    }
    if lane == 0u {
        let last = max(len, 1u) - 1u;
        settle(row, best, len, Cut(best, list_keys[last], list_ids[last]));
    }
}
