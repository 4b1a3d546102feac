// A row's record in workgroup memory: its program, what the sampler remembers of it, and what this step has found out about it.
//
// It is copied here first because each access of a buffer costs processors milliseconds to compile, and one of workgroup memory at a
// known place next to nothing.
#import sample/program
#import sample/fixed
#import sample/gumbel

// What `memory` holds of a row: the position of the next draw, tokens of the prompt, tokens in all.
const POSITION: u32 = 44u;
const PROMPT: u32 = 46u;
const TOKENS: u32 = 47u;
const MEMORY_WORDS: u32 = 4u;

// What `step` holds of a row.
const BEST: u32 = 48u;        // its best key
const NAN_SEEN: u32 = 49u;
const MASS: u32 = 50u;        // estimated
const CUT: u32 = 52u;         // what survives; a top of 0 where nothing is filtered
const KEPT: u32 = 55u;
const DRAWN: u32 = 56u;       // the key of the first token
const SUM: u32 = 57u;         // the exact mass, where it is asked for
const STANDS_BEFORE: u32 = 59u; // how many stand before the first token
const STEP_WORDS: u32 = 12u;

var<workgroup> record: array<u32, 60>;

fn filter_scale() -> Scale {
    return Scale(bitcast<i32>(record[FILTER_UNIT]), vec2(record[FILTER_FACTOR], record[FILTER_FACTOR + 1u]));
}

fn draw_scale() -> Scale {
    return Scale(bitcast<i32>(record[DRAW_UNIT]), vec2(record[DRAW_FACTOR], record[DRAW_FACTOR + 1u]));
}

fn stream_of_record() -> Stream {
    return Stream(vec2(record[SEED], record[SEED + 1u]), vec2(record[POSITION], record[POSITION + 1u]), record[STREAM]);
}
