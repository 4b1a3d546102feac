// A row's parameters as integers, and what the sampler remembers of it. Host: src/sample/program.rs.

struct Program {
    list_len: u32,   // best tokens that are looked at first, 1 to 256
    stage_count: u32,
    min_keep: u32,
    draws: u32,
    seed: vec2<u32>,
    stream: u32,
    needs_mass: u32, // whether a stage asks for the mass of all candidates
    filter_unit: i32,
    filter_low: u32,
    filter_high: u32,
    filter_rate: u32, // log2(e) / temperature, as a float
    draw_unit: i32,
    draw_low: u32,
    draw_high: u32,
    draw_rate: u32,
    stages: array<vec4<u32>, 8>, // what it is, and its two values
}

@group(0) @binding(5) var<storage, read> programs: array<Program>; // [rows]

// A row of `memory`: the position (2 words), tokens of the prompt, tokens in all; then the cut of the last draw; then the tokens.
const POSITION: u32 = 0u;
const PROMPT: u32 = 2u;
const TOKENS: u32 = 3u;
const CUT: u32 = 4u;
const HEADER: u32 = 8u;

fn filter_scale(row: u32) -> Scale {
    return Scale(programs[row].filter_unit, vec2(programs[row].filter_low, programs[row].filter_high));
}

fn draw_scale(row: u32) -> Scale {
    return Scale(programs[row].draw_unit, vec2(programs[row].draw_low, programs[row].draw_high));
}
