// What a stage knows of a row, and what it asks for. A stage is a function from the one to the other; the kernels do the cutting.
#import sample/fixed
#import sample/program

struct Facts {
    mass: vec2<u32>,       // of the survivors
    whole_mass: vec2<u32>, // of all candidates
    first: vec2<u32>,      // weight of the first survivor
    mean_depth: vec2<u32>, // under the softmax of the survivors
}

// Keep the fewest of the best with at least this mass and this count.
const PREFIX: u32 = 0u;
// Keep what has at least this weight: a mass of one token.
const HEAVY: u32 = 1u;
// Keep what is nearest to a depth, with at least this mass; all that are as near as the crossing token.
const BAND: u32 = 2u;
// Keep what lies within so many standard deviations (2^-16) of the best.
const NEAR: u32 = 3u;

struct Wish {
    kind: u32,
    count: u32,
    mass: vec2<u32>,
    depth: vec2<u32>,
}
