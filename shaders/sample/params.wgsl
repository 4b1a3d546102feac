// What every kernel of the sampler is told.

struct Params {
    vocab: u32,
    rows: u32,          // of the whole batch
    row_first: u32,     // the first row of this window
    element_first: u32, // where that row begins in the binding, in elements
    stride: u32,        // elements from row to row
    row_count: u32,     // rows of this dispatch
    list_first: u32,    // where they are listed in `row_list`
    pending: u32,       // whether they are those that are listed in `step` instead
    slices: u32,        // workgroups a row, of this dispatch
    chunk_quads: u32,   // quads an invocation
    chunks: u32,        // invocations a row
    memory_words: u32,  // words a row of `memory`
    draws: u32,         // tokens a row of `tokens`
    remembers: u32,     // whether what is drawn goes into `memory`
    visible_words: u32, // words a row of `visible`, of `seen`, of `extras`; pairs a row of `biases`
    seen_words: u32,
    extra_words: u32,
    bias_room: u32,
    raw: u32,           // whether the row as it came is summed up
    raw_unit: u32,      // the scale of temperature 1
    raw_low: u32,
    raw_high: u32,
    top: u32,           // best tokens a row of `details`
    kept_room: u32,     // tokens a row of `kept`
    throw_first: u32,   // draws of a row that were made before
    throw_count: u32,   // draws of a row now
    throws_room: u32,   // tokens a row of `throws`
    // Trip counts that are constants: what a compiler does not know it does not unroll, and unrolled these cost seconds to compile.
    two: u32,
    four: u32,
    ten: u32,
    key_bits: u32,
    depth_bits: u32,
    cut_steps: u32,
    scan_steps: u32,
    bins_a_lane: u32,
    most_passes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
