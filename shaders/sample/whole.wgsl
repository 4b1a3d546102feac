// Filters a whole row, whatever the chain: what the list of the best tokens could not settle. noisy.wgsl and winner.wgsl draw from it.
//
// The survivors are an interval of the total order. Where a stage wants a mass or a count, the place where it is reached is found by
// counting the row into bins: of depth first, then of keys, then (among equals) of ids, each time within the bin where it lies. One
// loop takes all stages through their passes, so that each piece of code is there once; its control flow is the same for all
// invocations.
//
// Shapes: source [rows, vocab], step [rows] -> the cut and the number kept in step [rows]. Dispatch: a workgroup a row.
#import sample/reader
#import sample/stages
#import sample/outcome
#import sample/survey
#import sample/bins
#import sample/deviation

const LANES: u32 = 64u;

// What the next pass is for.
const RANGE: u32 = 0u;     // how deep a sample of the row is
const SAMPLE: u32 = 1u;    // bins of a sample: between which depths a mass or count is likely to be reached
const FACTS: u32 = 2u;     // a stage's facts; with them, bins between these depths
const CHECK: u32 = 3u;     // whether a cut by value leaves enough
const COUNTING: u32 = 4u;  // bins

// One in so many quads is a sample.
const EVERY: u32 = 16u;
// Rows with fewer quads are not sampled.
const SAMPLED: u32 = 2048u;

// The lowest key that lies no deeper than a depth, bit by bit: depths never fall as keys do.
fn lowest_key(scale: Scale, anchor: Fixed, depth: vec2<u32>, best: u32) -> u32 {
    // The highest key that is too deep.
    var deep = 0u;
    for (var i = 0u; i < params.key_bits; i++) {
        let key = deep | (1u << (31u - i));
        let is_deep = key < LOWEST || (key <= best && less64(depth, depth_of(scale, anchor, key)));
        deep = select(deep, key, is_deep);
    }
    return deep + 1u;
}

// The survivors of a cut whose depths lie between two.
fn depths_between(scale: Scale, anchor: Fixed, cut: Cut, least: vec2<u32>, most: vec2<u32>) -> Cut {
    var high = 0u;
    var low = 0u;
    for (var i = 0u; i < params.two; i++) {
        // Keys above those that are no deeper than what comes before `least`.
        let end = select(sub64(least, vec2(1u, 0u)), select(most, BOTTOM, !less64(most, FURTHEST)), i == 0u);
        low = high;
        high = lowest_key(scale, anchor, end, cut.top);
    }
    let top = select(high - 1u, cut.top, all(least == vec2(0u)));
    let key = max(cut.key, low);
    return Cut(min(cut.top, top), key, select(NO_TOKEN, cut.id, key == cut.key));
}

// So that the bins hold values up to `last`.
fn shift_for(last: vec2<u32>) -> u32 {
    let bits = 64u - select(countLeadingZeros(last.y), 32u + countLeadingZeros(last.x), last.y == 0u);
    return max(bits, 10u) - 10u;
}

// Bins of keys, or of ids where there is but one key.
fn by_order(within: Cut) -> Plan {
    let equal = within.top == within.key;
    return Plan(
        select(BY_KEY, BY_ID, equal), 1u, vec2(0u), select(vec2(~within.top, 0u), vec2(0u), equal),
        select(shift_for(vec2(within.top - within.key, 0u)), 10u, equal), 0u, 0u,
    );
}

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
    let scale = filter_scale();
    let anchor = fixed_of(scale, record[BEST]);
    let stages = record[STAGE_COUNT];
    let of_whole = (record[NEEDS_MASS] & 2u) != 0u;

    // The survivors, and those among whom the next pass counts.
    var cut = uncut(record[BEST]);
    var within = cut;
    var count = 0u;
    var high = record[BEST];
    var whole_mass = vec2(0u);
    var goal = FACTS;
    var plan = by_order(cut);
    var want = Reached(vec2(0u), 0u, 0u);
    var before = Reached(vec2(0u), 0u, 0u);
    var starts = true;
    var narrow = false;
    var reorder = false;
    var least_depth = vec2(0u);
    var most_depth = vec2(0u);
    var stage_index = 0u;
    // No stage takes more than thirteen passes; where there is none, the survivors are counted.
    for (var turn = 0u; turn < params.most_passes && stage_index < max(stages, 1u); turn++) {
        let stage = stage_at(stage_index);
        if starts {
            starts = false;
            within = cut;
            before = Reached(vec2(0u), 0u, 0u);
            goal = select(FACTS, CHECK, stages == 0u);
            want = before;
            // What the facts of a stage take. One that wants a mass gets its first bins with them.
            plan.what = select(NOTHING, EXTREMES, stages == 0u || stage.what == SIGMA);
            plan.what = select(plan.what, MEANS, stage.what == TYPICAL || stage.what == ETA);
            plan.what = select(plan.what, WEIGHTS, stage.what == EPSILON);
            plan.what = select(plan.what, BY_DEPTH, stage.what <= TOP_P && stages > 0u);
            plan.every = 1u;
            if plan.what == BY_DEPTH && row.quads >= SAMPLED {
                goal = RANGE;
                plan.what = EXTREMES;
                plan.every = EVERY;
            } else if of_whole && stage_index == 0u {
                plan.what = max(plan.what, WEIGHTS);
            }
            plan.start = vec2(0u);
            plan.shift = 28u;
        }
        if narrow {
            narrow = false;
            within = depths_between(scale, anchor, cut, least_depth, most_depth);
            if goal == COUNTING {
                // The last pass was over all survivors.
                within = Cut(min(within.top, survey.high), max(within.key, survey.low), within.id);
                within.id = select(NO_TOKEN, cut.id, within.key == cut.key);
                reorder = true;
            }
        }
        if reorder {
            reorder = false;
            plan = by_order(within);
        }
        take_survey(row, scale, anchor, within, plan, lane);
        var done = false;
        var picks = select(0u, 1u, goal == COUNTING);
        if goal == RANGE {
            let range = min64(depth_of(scale, anchor, max(survey.low, LOWEST)), DEEPEST);
            goal = select(SAMPLE, FACTS, survey.count == 0u);
            plan.every = select(EVERY, 1u, survey.count == 0u);
            plan.what = BY_DEPTH;
            plan.shift = select(shift_for(range), 28u, survey.count == 0u);
        } else if goal == SAMPLE || goal == FACTS {
            if of_whole && stage_index == 0u {
                whole_mass = survey.mass;
            }
            if stage.what == SIGMA && plan.what != DROPS {
                plan.what = DROPS;
                plan.unit = max(unit_of(survey.high), unit_of(survey.low));
                plan.top = survey.high;
                continue;
            }
            let sums = mean_or_deviation(plan, stage.one);
            let mean_depth = left64(sums, 6u);
            let first = weight_of(depth_of(scale, anchor, high));
            let wish = wish_of(stage);
            let sampled = goal == SAMPLE;
            let candidates = right64(whole_mass, select(0u, 4u, sampled && stage_index > 0u));
            let mass = least_of_wish(wish, Facts(survey.mass, candidates, first, weight_of(mean_depth)));
            want = Reached(mass, max(record[MIN_KEEP], wish.count), 0u);
            picks = 3u;
            if sampled {
                want.count = want.count / EVERY + 1u;
            } else if wish.kind == HEAVY || wish.kind == NEAR {
                picks = 0u;
                want = Reached(vec2(0u), record[MIN_KEEP], 0u);
                let limit = depth_of_weight(mass);
                goal = CHECK;
                if wish.kind == NEAR {
                    within.key = max(cut.key, key_within(plan, sums));
                    within.id = select(NO_TOKEN, cut.id, within.key == cut.key);
                } else if limit.some {
                    narrow = true;
                    least_depth = vec2(0u);
                    most_depth = limit.depth;
                } else {
                    within.key = NONE;
                }
                plan.what = EXTREMES;
            } else {
                goal = COUNTING;
                picks = select(0u, 1u, plan.what == BY_DEPTH);
                if wish.kind == BAND {
                    plan.what = BY_DISTANCE;
                    plan.center = mean_depth;
                    plan.shift = 30u;
                }
                if plan.what == BY_DEPTH {
                    before = Reached(survey.one.xy, survey.two.x, 0u);
                }
            }
        } else if goal == CHECK {
            if survey.count >= want.count {
                cut = within;
                count = survey.count;
                high = survey.high;
                done = true;
            } else {
                goal = COUNTING;
                within = cut;
                reorder = true;
            }
        }

        // One bin is picked; of a sample three: where it is likely to be, and how far it may be off on either side.
        var picked = Picked(NONE, before);
        var sought = want;
        var from_bin = 0u;
        for (var i = 0u; i < picks; i++) {
            picked = pick(sought, before, lane);
            // Four deviations of the number that was met, as a share of it: the fewer are left out, the less it deviates.
            let met = picked.before.count;
            let firm = met * (survey.count / max(survey.count - min(met, survey.count), 1u) + 1u);
            let doubt = max((32u - countLeadingZeros(firm)) / 2u, 2u) - 2u;
            let off = Reached(right64(want.mass, doubt), want.count >> doubt, 0u);
            if i == 0u {
                sought = Reached(sub64(want.mass, off.mass), want.count - off.count, 0u);
            } else if i == 1u {
                from_bin = select(picked.bin, 0u, picked.bin == NONE);
                sought = Reached(add64(want.mass, off.mass), want.count + off.count + 1u, 0u);
            }
        }
        if picks == 3u {
            let bins = min(picked.bin, BINS - 1u) - from_bin + 1u;
            plan.start = left64(vec2(from_bin, 0u), plan.shift);
            plan.shift = shift_for(sub64(left64(vec2(bins, 0u), plan.shift), vec2(1u, 0u)));
            plan.every = 1u;
            goal = FACTS;
        } else if picks == 1u {
            let bounded = plan.what == BY_DEPTH && !(plan.shift == 28u && all(plan.start == vec2(0u)));
            plan.start = add64(plan.start, left64(vec2(picked.bin, 0u), plan.shift));
            let end = add64(plan.start, left64(vec2(1u, 0u), plan.shift));
            let last_value = sub64(end, vec2(1u, 0u));
            if picked.bin == NONE && bounded {
                // The sample was wrong.
                plan.start = vec2(0u);
                plan.shift = 28u;
                before = Reached(vec2(0u), 0u, 0u);
            } else if picked.bin == NONE {
                // Everything is wanted.
                count = before.count + survey.count;
                done = true;
            } else if plan.what == BY_DISTANCE {
                before = picked.before;
                if plan.shift > 0u {
                    plan.shift -= 10u;
                } else {
                    let near = plan.start;
                    least_depth = select(sub64(plan.center, near), vec2(0u), less64(plan.center, near));
                    most_depth = select(add64(plan.center, near), FURTHEST, !less64(near, FURTHEST));
                    narrow = true;
                    goal = CHECK;
                    want = Reached(vec2(0u), 0u, 0u);
                    plan.what = EXTREMES;
                }
            } else if plan.what == BY_DEPTH {
                before = picked.before;
                narrow = true;
                least_depth = plan.start;
                // The deepest value stands for whatever is deeper.
                most_depth = select(BOTTOM, last_value, less64(last_value, DEEPEST));
            } else {
                before = picked.before;
                if plan.what == BY_KEY {
                    let key = max(within.key, select(~last_value.x, 0u, last_value.y != 0u));
                    within = Cut(min(within.top, ~plan.start.x), key, select(NO_TOKEN, within.id, key == within.key));
                } else {
                    within.id = min(within.id, last_value.x);
                }
                // One of them is the last that is wanted: it is that one, or the next pass looks among them.
                done = picked.before.size == 1u || (plan.what == BY_ID && plan.shift == 0u);
                if done {
                    cut = Cut(cut.top, within.key, within.id);
                    count = before.count + 1u;
                } else if plan.what == BY_ID {
                    plan.shift = 0u;
                } else {
                    reorder = true;
                }
            }
        } else if goal == COUNTING && plan.what == NOTHING {
            reorder = true;
        }
        if done {
            stage_index++;
            starts = true;
        }
    }
    put_cut(row.index, count, cut, lane);
}
