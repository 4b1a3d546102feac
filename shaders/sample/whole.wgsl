// Filters and draws over a whole row, whatever the chain: what the list of the best tokens could not settle.
//
// The survivors are an interval of the total order. Where a stage wants a mass or a count, the place where it is reached is found by
// counting the row into bins: of depth first, then of keys, then (among equals) of ids, each time within the bin where it lies. One
// loop takes all stages through their passes, so that each piece of code is there once; its control flow is the same for all
// invocations.
//
// Shapes: source [rows, vocab], row_list -> tokens, memory. Dispatch: a workgroup a row.
#import sample/params
#import sample/reader
#import sample/fixed
#import sample/gumbel
#import sample/race
#import sample/program
#import sample/stages
#import sample/outcome
#import sample/survey
#import sample/bins
#import sample/deviation

@group(0) @binding(4) var<storage, read> row_list: array<u32>;

var<workgroup> finalists: array<vec4<u32>, LANES>;
var<workgroup> shared_winner: vec4<u32>;

// What the next pass is for.
const FACTS: u32 = 0u;     // a stage's facts
const CHECK: u32 = 1u;     // whether a cut by value leaves enough
const NARROW: u32 = 2u;    // the keys that a bin really has
const COUNTING: u32 = 3u;  // bins

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
    let scale = filter_scale(row_index);
    let anchor = fixed_of(scale, best);
    let stages = programs[row_index].stage_count;

    // The survivors, and those among whom the next pass counts.
    var cut = Cut(best, select(LOWEST, INFINITE, best == INFINITE), NO_TOKEN);
    var within = cut;
    var count = 0u;
    var whole_mass = vec2(0u);
    var goal = FACTS;
    var plan = Plan(BY_DEPTH, vec2(0u), vec2(0u), 30u, 0u, 0u);
    var wish = Wish(PREFIX, 0u, vec2(0u), vec2(0u));
    var want = Reached(vec2(0u), 0u, 0u);
    var before = Reached(vec2(0u), 0u, 0u);
    var narrow = false;
    var least_depth = vec2(0u);
    var most_depth = vec2(0u);
    var stage_index = 0u;
    // One pass more than there are stages, for the number of the survivors; no stage takes more than eleven.
    for (var turn = 0u; turn < params.most_passes && stage_index <= stages; turn++) {
        let stage = programs[row_index].stages[min(stage_index, 7u)];
        let last = stage_index == stages;
        if narrow {
            within = depths_between(scale, anchor, cut, least_depth, most_depth);
            narrow = false;
        }
        if goal == FACTS {
            // Stages that want a mass or a count get their first bins with their facts.
            let bins = !last && stage.x <= TOP_P;
            plan = Plan(select(select(MASSES, plan.what, plan.what == DROPS), BY_DEPTH, bins), vec2(0u), vec2(0u), 30u, plan.unit, plan.top);
            plan.what = select(plan.what, EXTREMES, last);
            within = cut;
        }
        let survey = survey_of(row, scale, anchor, within, plan, lane);
        var done = false;
        var counted = plan.what >= BY_DEPTH;
        if goal == FACTS {
            count = survey.count;
            if last {
                break;
            }
            whole_mass = select(whole_mass, survey.mass, stage_index == 0u);
            before = Reached(vec2(0u), 0u, 0u);
            if stage.x == SIGMA && plan.what != DROPS {
                plan.what = DROPS;
                plan.unit = max(unit_of(survey.high), unit_of(survey.low));
                plan.top = survey.high;
                continue;
            }
            var mean_depth = vec2(0u);
            if stage.x > SIGMA || stage.x == TYPICAL {
                mean_depth = mean_of(survey.one, survey.two.xy);
            }
            // The best survivor need not be the best candidate: typical sampling may drop that.
            let first = weight_of(depth_of(scale, anchor, survey.high));
            wish = wish_of(stage, Facts(survey.mass, whole_mass, first, mean_depth));
            let floor = min(programs[row_index].min_keep, count);
            want = Reached(wish.mass, max(floor, min(wish.count, count)), 0u);
            if wish.kind == HEAVY || wish.kind == NEAR {
                want = Reached(vec2(0u), floor, 0u);
                let limit = depth_of_weight(wish.mass);
                goal = CHECK;
                if wish.kind == NEAR {
                    within.key = max(cut.key, key_within(survey, plan, wish.count));
                    within.id = select(NO_TOKEN, cut.id, within.key == cut.key);
                } else if limit.some {
                    narrow = true;
                    least_depth = vec2(0u);
                    most_depth = limit.depth;
                } else {
                    within.key = NONE;
                }
                plan.what = EXTREMES;
                continue;
            }
            if wish.kind == BAND {
                goal = COUNTING;
                plan = Plan(BY_DISTANCE, wish.depth, vec2(0u), 30u, 0u, 0u);
                continue;
            }
            goal = COUNTING;
        } else if goal == CHECK {
            if survey.count >= want.count {
                cut = within;
                done = true;
            } else {
                goal = COUNTING;
                within = cut;
                plan = Plan(BY_DEPTH, vec2(0u), vec2(0u), 30u, 0u, 0u);
                continue;
            }
        } else if goal == NARROW {
            within = Cut(survey.high, survey.low, select(NO_TOKEN, within.id, survey.low == within.key));
            goal = COUNTING;
            // So many bits that the bins hold the range; equals are told apart by their ids.
            let equal = survey.high == survey.low;
            let shift = max(32u - countLeadingZeros(survey.high - survey.low), 10u) - 10u;
            plan = Plan(
                select(BY_KEY, BY_ID, equal), vec2(0u), select(vec2(~survey.high, 0u), vec2(0u), equal), select(shift, 10u, equal), 0u, 0u,
            );
            continue;
        }
        if counted && !done {
            let picked = pick(want, before, lane);
            let end = add64(plan.start, left64(vec2(picked.bin + 1u, 0u), plan.shift));
            if picked.bin == NONE || enough(before, want) {
                // Everything is wanted; or, where not even one is, nothing changes either.
                done = true;
            } else {
                before = picked.before;
                plan.start = add64(plan.start, left64(vec2(picked.bin, 0u), plan.shift));
                let final_bin = sub64(end, vec2(1u, 0u));
                if plan.what == BY_DISTANCE {
                    if plan.shift == 0u {
                        let near = plan.start;
                        least_depth = select(sub64(plan.center, near), vec2(0u), less64(plan.center, near));
                        most_depth = select(add64(plan.center, near), FURTHEST, !less64(near, FURTHEST));
                        within = cut;
                        narrow = true;
                        goal = CHECK;
                        want = Reached(vec2(0u), 0u, 0u);
                        plan.what = EXTREMES;
                    } else {
                        plan.shift -= 10u;
                    }
                } else if plan.what == BY_DEPTH {
                    least_depth = plan.start;
                    most_depth = final_bin;
                    narrow = true;
                    goal = NARROW;
                    plan.what = EXTREMES;
                } else if plan.what == BY_KEY {
                    let top = min(within.top, ~plan.start.x);
                    let key = max(within.key, select(~final_bin.x, 0u, final_bin.y != 0u));
                    within = Cut(top, key, select(NO_TOKEN, within.id, key == within.key));
                    goal = NARROW;
                    plan.what = EXTREMES;
                } else if plan.shift == 0u {
                    cut = Cut(cut.top, within.key, min(plan.start.x, within.id));
                    done = true;
                } else {
                    plan.shift = 0u;
                }
            }
        }
        if done {
            stage_index++;
            goal = FACTS;
            plan.what = MASSES;
        }
    }
    draw(row, row_index, best, cut, count, lane);
}

// The tokens with the most of score and noise, one after the other.
fn draw(row: Row, row_index: u32, best: u32, cut: Cut, count: u32, lane: u32) {
    let scale = draw_scale(row_index);
    let rate = bitcast<f32>(programs[row_index].draw_rate);
    let stream = stream_of(row_index);
    var last = Ranked(vec2(0xffffffffu), 0u);
    for (var place = 0u; place < params.draws; place++) {
        let end = select(0u, row.quads, place < programs[row_index].draws && count > 0u);
        let mine = race(row, lane, LANES, end, cut, last, scale, best, rate, stream);
        finalists[lane] = vec4(mine.score, mine.id, 0u);
        workgroupBarrier();
        if lane == 0u {
            var winner = mine;
            for (var other = 1u; other < LANES; other++) {
                let words = finalists[other];
                if ranks_before(Ranked(words.xy, words.z), winner) {
                    winner = Ranked(words.xy, words.z);
                }
            }
            shared_winner = vec4(winner.score, winner.id, 0u);
            put_token(row_index, place, winner.id);
        }
        workgroupBarrier();
        last = Ranked(shared_winner.xy, shared_winner.z);
    }
    if lane == 0u {
        settle(row_index, best, count, cut);
    }
}
