// What a stage asks for. A stage is a function from its values to a wish; the kernels know the row and do the cutting.
#import sample/record

// A stage: what it is, and its two values.
struct Stage {
    what: u32,
    one: u32,
    two: u32,
}

fn stage_at(index: u32) -> Stage {
    let at = STAGES + STAGE_WORDS * index;
    return Stage(record[at], record[at + 1u], record[at + 2u]);
}

// A share, in 2^-31, of something.
struct Portion {
    base: u32,
    share: u32,
}

const NO_BASE: u32 = 0u;
const SURVIVORS: u32 = 1u;  // their mass
const CANDIDATES: u32 = 2u; // the mass of all candidates
const FIRST: u32 = 3u;      // the weight of the first survivor
const TYPICAL_ONE: u32 = 4u; // the weight at the mean depth under the softmax of the survivors

// Keep the fewest of the best with at least this mass and this count.
const PREFIX: u32 = 0u;
// Keep what has at least this weight.
const HEAVY: u32 = 1u;
// Keep what is nearest to the mean depth, with at least this mass; all that are as near as the crossing token.
const BAND: u32 = 2u;
// Keep what lies within so many standard deviations (2^-16) of the best.
const NEAR: u32 = 3u;

struct Wish {
    kind: u32,
    count: u32,
    least: Portion, // of mass or weight
    other: Portion, // or this, if it is less
    more: bool,     // whether it must be exceeded
}

const NO_PORTION: Portion = Portion(NO_BASE, 0u);

// What portions are of.
struct Facts {
    survivors: vec2<u32>,
    candidates: vec2<u32>,
    first: vec2<u32>,
    typical_one: vec2<u32>,
}

// The least mass or weight that is wished for; 0 where none is.
fn least_of_wish(wish: Wish, facts: Facts) -> vec2<u32> {
    var least = vec2(0u);
    var next = wish.least;
    for (var i = 0u; i < params.two && next.base != NO_BASE; i++) {
        let first_two = select(facts.survivors, facts.candidates, next.base == CANDIDATES);
        let base = select(select(first_two, facts.first, next.base == FIRST), facts.typical_one, next.base == TYPICAL_ONE);
        let value = portion(base, next.share, wish.more);
        least = select(value, least, i > 0u && less64(least, value));
        next = wish.other;
    }
    return least;
}
