// Adds numbers of all invocations of a workgroup: subgroups add by themselves, atomic counters add what they found.
#import sample/counters

var<workgroup> counters: array<atomic<u32>, 6>;

var<private> turn: u32;

// The sums of `one` and of `two` over all invocations, the same for all.
fn tally(one: u32, two: u32, lane: u32) -> vec2<u32> {
    // Three sets in turn: one is added to, one is read by those who are late, one is made ready.
    let now = 2u * turn;
    turn = select(turn + 1u, 0u, turn == SETS - 1u);
    let next = 2u * turn;
    let ones = subgroupAdd(one);
    let twos = subgroupAdd(two);
    // The subgroup's first invocation: its lane is the least there is.
    if subgroupMin(lane) == lane {
        atomicAdd(&counters[now], ones);
        atomicAdd(&counters[now + 1u], twos);
    }
    if lane == 0u {
        atomicStore(&counters[next], 0u);
        atomicStore(&counters[next + 1u], 0u);
    }
    workgroupBarrier();
    return vec2(atomicLoad(&counters[now]), atomicLoad(&counters[now + 1u]));
}
