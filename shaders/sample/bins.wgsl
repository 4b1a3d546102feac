// The bin in which a mass and a count are reached.
#import sample/survey

// A mass and a count, of what comes before a bin; and the count of the bin.
struct Reached {
    mass: vec2<u32>,
    count: u32,
    size: u32,
}

struct Picked {
    bin: u32, // NONE where all bins together are not enough
    before: Reached,
}

var<workgroup> bin_sums: array<vec4<u32>, LANES>;
var<workgroup> shared_pick: Picked;

fn bin_of(bin: u32) -> Reached {
    return Reached(vec2(atomicLoad(&bin_lows[bin]), atomicLoad(&bin_highs[bin])), atomicLoad(&bin_counts[bin]), 0u);
}

// The first bin with which `want` is reached, `before` being there already.
fn pick(want: Reached, before: Reached, lane: u32) -> Picked {
    let first = lane * params.bins_a_lane;
    var mine = Reached(vec2(0u), 0u, 0u);
    for (var bin = first; bin < first + params.bins_a_lane; bin++) {
        let one = bin_of(bin);
        mine = Reached(add64(mine.mass, one.mass), mine.count + one.count, 0u);
    }
    // What was picked before must have been read.
    workgroupBarrier();
    bin_sums[lane] = vec4(mine.mass, mine.count, 0u);
    if lane == 0u {
        shared_pick = Picked(NONE, before);
    }
    workgroupBarrier();
    var running = before;
    for (var other = 0u; other < lane; other++) {
        running = Reached(add64(running.mass, bin_sums[other].xy), running.count + bin_sums[other].z, 0u);
    }
    // Only one invocation finds it: the one in whose bins both are reached first.
    let after = Reached(add64(running.mass, mine.mass), running.count + mine.count, 0u);
    let here = !enough(running, want) && enough(after, want);
    for (var bin = first; bin < select(first, first + params.bins_a_lane, here); bin++) {
        let one = bin_of(bin);
        let next = Reached(add64(running.mass, one.mass), running.count + one.count, 0u);
        if !enough(running, want) && enough(next, want) {
            shared_pick = Picked(bin, Reached(running.mass, running.count, one.count));
        }
        running = next;
    }
    workgroupBarrier();
    return shared_pick;
}

fn enough(reached: Reached, want: Reached) -> bool {
    return !less64(reached.mass, want.mass) && reached.count >= want.count;
}
