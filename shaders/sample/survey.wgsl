// One pass over the survivors of a row: their number, mass and extremes; if wanted, sums of what stages ask for, and bins.
#import sample/params
#import sample/reader
#import sample/fixed
#import sample/race
#import lib/wider

const LANES: u32 = 64u;
const BINS: u32 = 1024u;
const NONE: u32 = 0xffffffffu;
// The most that depths and distances count for.
const FURTHEST: vec2<u32> = vec2<u32>(0xffffffffu, 0xffu);

// What a pass is about. From BY_DEPTH on there are bins.
const EXTREMES: u32 = 0u;
const MASSES: u32 = 1u;
const DROPS: u32 = 2u;
const BY_DEPTH: u32 = 3u;
const BY_DISTANCE: u32 = 4u;
const BY_KEY: u32 = 5u;
const BY_ID: u32 = 6u;

struct Plan {
    what: u32,
    center: vec2<u32>, // distances are from it
    start: vec2<u32>,  // the first bin's first value
    shift: u32,        // a bin is 2^shift values
    unit: u32,         // drops are counted in 2^-26 of the power of two of this biased exponent
    top: u32,          // from this key
}

struct Survey {
    mass: vec2<u32>,
    count: u32,
    high: u32, // keys
    low: u32,
    one: vec4<u32>, // sum of weight depth, or of drops
    two: vec4<u32>, // sum of weights in the same units, or of squared drops
}

var<workgroup> bin_counts: array<atomic<u32>, BINS>;
var<workgroup> bin_lows: array<atomic<u32>, BINS>;
var<workgroup> bin_highs: array<atomic<u32>, BINS>;
var<workgroup> surveys: array<Survey, 32>;
var<workgroup> shared_survey: Survey;

fn distance_of(depth: vec2<u32>, center: vec2<u32>) -> vec2<u32> {
    return select(sub64(depth, center), sub64(center, depth), less64(depth, center));
}

// A logit in 2^-26 of the power of two that `unit` stands for, towards zero, as a signed number.
fn coarse_of(key: u32, unit: u32) -> u32 {
    let bits = bits_of(key);
    let exponent = (bits >> 23u) & 255u;
    let mantissa = (bits & 0x7fffffu) | select(0x800000u, 0u, exponent == 0u);
    let shift = 3 + i32(max(exponent, 1u)) - i32(unit);
    let size = select(mantissa >> u32(clamp(-shift, 0, 31)), mantissa << u32(clamp(shift, 0, 31)), shift >= 0);
    return select(size, 0u - size, (bits >> 31u) == 1u);
}

fn unit_of(key: u32) -> u32 {
    return max((bits_of(key) >> 23u) & 255u, 1u);
}

fn joined(a: Survey, b: Survey) -> Survey {
    return Survey(
        add64(a.mass, b.mass), a.count + b.count, max(a.high, b.high), min(a.low, b.low), add128(a.one, b.one), add128(a.two, b.two),
    );
}

fn survey_of(row: Row, scale: Scale, anchor: Fixed, cut: Cut, plan: Plan, lane: u32) -> Survey {
    for (var bin = lane; bin < select(0u, BINS, plan.what >= BY_DEPTH); bin += LANES) {
        atomicStore(&bin_counts[bin], 0u);
        atomicStore(&bin_lows[bin], 0u);
        atomicStore(&bin_highs[bin], 0u);
    }
    workgroupBarrier();
    var mine = Survey(vec2(0u), 0u, 0u, NONE, vec4(0u), vec4(0u));
    for (var quad = lane; quad < row.quads; quad += LANES) {
        let ids = quad_ids(row, quad);
        let keys = quad_keys(row, quad);
        for (var j = 0u; j < params.four; j++) {
            let key = keys[j];
            let survives = alive(key, ids[j], cut);
            mine.count += u32(survives);
            mine.high = max(mine.high, select(0u, key, survives));
            mine.low = min(mine.low, select(NONE, key, survives));
            // A loop, because processors pass by a loop that no invocation enters, and not by a branch.
            for (var busy = u32(survives && plan.what != EXTREMES); busy > 0u; busy--) {
                let depth = depth_of(scale, anchor, key);
                let weight = weight_of(depth);
                mine.mass = add64(mine.mass, weight);
                if plan.what == MASSES {
                    let part = select(right64(weight, 14u).x, 0u, depth.y > 255u);
                    let deep = right64(depth, 6u);
                    let low = wide_product(part, deep.x);
                    mine.one = add128(mine.one, vec4(low.x, low.y + select(0u, part, deep.y == 1u), 0u, 0u));
                    mine.two = add128(mine.two, vec4(part, 0u, 0u, 0u));
                } else if plan.what == DROPS {
                    let drop = coarse_of(plan.top, plan.unit) - coarse_of(key, plan.unit);
                    mine.one = add128(mine.one, vec4(drop, 0u, 0u, 0u));
                    mine.two = add128(mine.two, vec4(wide_product(drop, drop), 0u, 0u));
                } else {
                    var value = min64(depth, FURTHEST);
                    value = select(value, min64(distance_of(depth, plan.center), FURTHEST), plan.what == BY_DISTANCE);
                    value = select(value, vec2(~key, 0u), plan.what == BY_KEY);
                    value = select(value, vec2(ids[j], 0u), plan.what == BY_ID);
                    let bin = right64(sub64(value, plan.start), plan.shift);
                    if bin.y == 0u && bin.x < BINS && !less64(value, plan.start) {
                        atomicAdd(&bin_counts[bin.x], 1u);
                        let old = atomicAdd(&bin_lows[bin.x], weight.x);
                        atomicAdd(&bin_highs[bin.x], weight.y + u32(old + weight.x < old));
                    }
                }
            }
        }
    }
    // Half of the invocations hand theirs to the other half, and the first adds these up.
    if lane >= LANES / 2u {
        surveys[lane - LANES / 2u] = mine;
    }
    workgroupBarrier();
    if lane < LANES / 2u {
        surveys[lane] = joined(mine, surveys[lane]);
    }
    workgroupBarrier();
    if lane == 0u {
        var sum = surveys[0];
        for (var other = 1u; other < LANES / 2u; other++) {
            sum = joined(sum, surveys[other]);
        }
        shared_survey = sum;
    }
    workgroupBarrier();
    return shared_survey;
}
