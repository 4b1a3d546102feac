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

// The greatest number that any invocation names.
var<workgroup> highest_of: array<atomic<u32>, 3>;
var<private> highest_turn: u32;

fn highest(value: u32, lane: u32) -> u32 {
    let now = highest_turn;
    highest_turn = select(highest_turn + 1u, 0u, highest_turn == SETS - 1u);
    atomicMax(&highest_of[now], value);
    if lane == 0u {
        atomicStore(&highest_of[highest_turn], 0u);
    }
    workgroupBarrier();
    return atomicLoad(&highest_of[now]);
}
