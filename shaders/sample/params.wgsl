// What every kernel of the sampler is told.

struct Params {
    vocab: u32,
    rows: u32,          // of the whole batch
    row_first: u32,     // the first row of this window
    element_first: u32, // where that row begins in the binding, in elements
    stride: u32,        // elements from row to row
    list_first: u32,    // where this dispatch's rows begin in the list of rows
    slices: u32,        // workgroups a row
    chunk_quads: u32,   // quads an invocation, a power of two
    quad_shift: u32,    // its logarithm
    chunks: u32,        // invocations a row
    memory_words: u32,  // words a row of `memory`
    draws: u32,         // tokens a row of `tokens`
    // Trip counts that are constants: what a compiler does not know it does not unroll, and unrolled these cost seconds to compile.
    depth_bits: u32,
    two: u32,
    four: u32,
    id_bits: u32,
    key_bits: u32,
    cut_steps: u32,
    lanes: u32,
    most_passes: u32,
    row_count: u32,     // rows of this dispatch
}

@group(0) @binding(0) var<uniform> params: Params;
