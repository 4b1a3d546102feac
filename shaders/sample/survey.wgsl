// One pass over the survivors of a row: their number, mass and extremes; if wanted, sums of what stages ask for, and bins.
#import sample/reader
#import sample/fixed
#import sample/cut
#import lib/wider

const BINS: u32 = 1024u;
const NONE: u32 = 0xffffffffu;
// The most that depths and distances count for.
const FURTHEST: vec2<u32> = vec2<u32>(0xffffffffu, 0xffu);
const DEEPEST: vec2<u32> = vec2<u32>(0xffffffffu, 0x3fu);

// What a pass is about. From BY_DEPTH on there are bins.
const NOTHING: u32 = 0u; // no pass at all
const EXTREMES: u32 = 1u;
const WEIGHTS: u32 = 2u;
const MEANS: u32 = 3u;
const DROPS: u32 = 4u;
const BY_DEPTH: u32 = 5u;
const BY_DISTANCE: u32 = 6u;
const BY_KEY: u32 = 7u;
const BY_ID: u32 = 8u;

struct Plan {
    what: u32,
    every: u32,        // one in so many of the row's quads
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
    one: vec4<u32>, // sum of weight depth, or of drops, or of weights before the first bin
    two: vec4<u32>, // sum of weights in the same units, or of squared drops, or the number before the first bin
}

var<workgroup> bin_counts: array<atomic<u32>, BINS>;
var<workgroup> bin_lows: array<atomic<u32>, BINS>;
var<workgroup> bin_highs: array<atomic<u32>, BINS>;
// Three numbers of four words; then the count, the highest key, and how far the lowest is from NONE.
var<workgroup> totals: array<atomic<u32>, 15>;
var<workgroup> survey: Survey;

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

// Adds a wide number of each invocation to three that all share, word by word.
fn add_totals(a: vec4<u32>, b: vec4<u32>, c: vec4<u32>) {
    var number = a;
    var next = b;
    for (var n = 0u; n < 12u; n += params.four) {
        var carry = 0u;
        for (var i = 0u; i < params.four; i++) {
            let word = number.x + carry;
            let old = atomicAdd(&totals[n + i], word);
            carry = u32(word < carry) + u32(old + word < old);
            number = number.yzwx;
        }
        number = next;
        next = c;
    }
}

fn total_of(first: u32) -> vec4<u32> {
    return vec4(
        atomicLoad(&totals[first]), atomicLoad(&totals[first + 1u]), atomicLoad(&totals[first + 2u]), atomicLoad(&totals[first + 3u])
    );
}

fn add_to_bin(bin: u32, what: vec3<u32>) {
    if bin < BINS {
        let old = atomicAdd(&bin_lows[bin], what.x);
        atomicAdd(&bin_highs[bin], what.y + u32(old + what.x < old));
        atomicAdd(&bin_counts[bin], what.z);
    }
}

// Leaves its findings in `survey`.
fn take_survey(row: Row, scale: Scale, anchor: Fixed, cut: Cut, plan: Plan, lane: u32) {
    for (var bin = lane; bin < select(0u, BINS, plan.what >= BY_DEPTH); bin += LANES) {
        atomicStore(&bin_counts[bin], 0u);
        atomicStore(&bin_lows[bin], 0u);
        atomicStore(&bin_highs[bin], 0u);
    }
    if lane < 15u {
        atomicStore(&totals[lane], 0u);
    }
    workgroupBarrier();
    var mass = vec2(0u);
    var count = 0u;
    var high = 0u;
    var low = NONE;
    var one = vec4(0u);
    var two = vec4(0u);
    // Neighbours often fall into the same bin: they are added up before they are counted.
    var held_bin = BINS;
    var held = vec3(0u);
    for (var quad = lane; quad < select(row.quads, 0u, plan.what == NOTHING); quad += LANES * plan.every) {
        var ids = quad_ids(row, quad);
        var keys = keys_of(quad_bits(row, quad));
        var alive = alive4(keys, ids, cut);
        count += countOneBits(dot(vec4<u32>(alive), vec4(1u, 2u, 4u, 8u)));
        let highs = select(vec4(0u), keys, alive);
        let lows = select(vec4(NONE), keys, alive);
        high = max(high, max(max(highs.x, highs.y), max(highs.z, highs.w)));
        low = min(low, min(min(lows.x, lows.y), min(lows.z, lows.w)));
        // Loops that may run not at all, because processors pass by a loop that no invocation enters, and not by a branch.
        for (var rest = select(0u, params.four, any(alive) && plan.what != EXTREMES); rest > 0u; rest--) {
            let key = keys.x;
            let id = ids.x;
            let survives = alive.x;
            keys = keys.yzwx;
            ids = ids.yzwx;
            alive = alive.yzwx;
            let depth = depth_of(scale, anchor, key);
            let weight = select(vec2(0u), weight_of(depth), survives);
            mass = add64(mass, weight);
            for (var once = u32(plan.what == MEANS || plan.what == DROPS); once > 0u; once--) {
                let part = select(right64(weight, 14u).x, 0u, depth.y > 255u);
                let deep = right64(depth, 6u);
                let drop = select(0u, coarse_of(plan.top, plan.unit) - coarse_of(key, plan.unit), survives);
                let means = plan.what == MEANS;
                let product = wide_product(select(drop, part, means), select(drop, deep.x, means));
                let weighted = vec4(product.x, product.y + select(0u, part, deep.y == 1u), 0u, 0u);
                one = add128(one, select(vec4(drop, 0u, 0u, 0u), weighted, means));
                two = add128(two, select(vec4(product, 0u, 0u), vec4(part, 0u, 0u, 0u), means));
            }
            var bin = held_bin;
            for (var once = u32(plan.what >= BY_DEPTH && survives); once > 0u; once--) {
                var value = min64(depth, DEEPEST);
                value = select(value, min64(distance_of(depth, plan.center), FURTHEST), plan.what == BY_DISTANCE);
                value = select(value, vec2(~key, 0u), plan.what == BY_KEY);
                value = select(value, vec2(id, 0u), plan.what == BY_ID);
                let before = less64(value, plan.start);
                one = add128(one, select(vec4(0u), vec4(weight, 0u, 0u), before));
                two.x += u32(before);
                let place = right64(sub64(value, plan.start), plan.shift);
                if place.y == 0u && place.x < BINS && !before {
                    bin = place.x;
                    if bin == held_bin {
                        held = vec3(add64(held.xy, weight), held.z + 1u);
                    }
                }
            }
            for (var once = u32(bin != held_bin); once > 0u; once--) {
                add_to_bin(held_bin, held);
                held_bin = bin;
                held = vec3(weight, 1u);
            }
        }
    }
    add_to_bin(held_bin, held);
    add_totals(vec4(mass, 0u, 0u), one, two);
    atomicAdd(&totals[12], count);
    atomicMax(&totals[13], high);
    atomicMax(&totals[14], NONE - low);
    workgroupBarrier();
    if lane == 0u {
        survey = Survey(
            total_of(0u).xy, atomicLoad(&totals[12]), atomicLoad(&totals[13]), NONE - atomicLoad(&totals[14]), total_of(4u), total_of(8u)
        );
    }
    workgroupBarrier();
}
