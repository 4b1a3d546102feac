// What a step on a window of a tensor is told. Host: src/train/state.rs.

struct Params {
    elements: u32,     // of the window
    pair_first: u32,   // pairs of the tensor before the window
    number: u32,       // the step, from 1
    seed_low: u32,
    seed_high: u32,
    turns: u32,        // 10, of the generator: a trip count that compilers must not know
    keep: f32,         // what is left of a weight; for momentum the weight decay
    beta1: f32,
    part1: f32,
    beta2: f32,
    part2: f32,
    epsilon: f32,
    size: f32,         // of the step, the first moment's correction in it
    root: f32,         // of the second moment's correction
}

@group(0) @binding(0) var<uniform> params: Params;

// A parameter behind a step.
struct Updated {
    weight: f32,
    first: f32,
    second: f32,
}
