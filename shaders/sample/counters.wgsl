// Counters in workgroup memory that invocations share. Each comes in three sets: one is in use, one is read by those who are late,
// one is made ready; so a barrier a turn is enough.

const SETS: u32 = 3u;

// Places in a list that invocations fill: the next one that is free.
var<workgroup> list_len: array<atomic<u32>, 3>;
var<private> list_turn: u32;

fn gathered() -> u32 {
    return atomicAdd(&list_len[list_turn], 1u);
}

// How many there are, once all invocations have added theirs; the next list begins.
fn settled_len(lane: u32) -> u32 {
    workgroupBarrier();
    let len = atomicLoad(&list_len[list_turn]);
    list_turn = select(list_turn + 1u, 0u, list_turn == SETS - 1u);
    if lane == 0u {
        atomicStore(&list_len[select(list_turn + 1u, 0u, list_turn == SETS - 1u)], 0u);
    }
    return len;
}

// The next list begins at a place, and not at 0.
fn gather_from(place: u32, lane: u32) {
    if lane == 0u {
        atomicStore(&list_len[list_turn], place);
    }
    workgroupBarrier();
}

// The least number that any invocation names; all that are named are under 2^16.
var<workgroup> least_of: array<atomic<u32>, 3>;
var<private> least_turn: u32;

fn least(value: u32, lane: u32) -> u32 {
    let now = least_turn;
    least_turn = select(least_turn + 1u, 0u, least_turn == SETS - 1u);
    // As the most of what is left to 2^16, because counters begin at 0.
    atomicMax(&least_of[now], 0x10000u - value);
    if lane == 0u {
        atomicStore(&least_of[least_turn], 0u);
    }
    workgroupBarrier();
    return 0x10000u - atomicLoad(&least_of[now]);
}
