// What the kernels of a block are told; each reads what it needs. Host: src/block/kernels.rs.

struct Params {
    m: u32,            // of a product: [m, k] times [k, n]
    n: u32,
    k: u32,
    a_row: u32,        // elements from row to row and from column to column
    a_column: u32,
    b_row: u32,
    b_column: u32,
    add: u32,          // whether a result is added to what is there
    rows: u32,         // of tensors of tokens: batch tokens
    width: u32,        // values of a row
    batch: u32,
    tokens: u32,       // of a sequence
    keys: u32,         // rows of a sequence in the tensors of keys and values
    offset: u32,       // the position of a sequence's first token
    heads: u32,
    group: u32,        // query heads that a key head serves
    dim: u32,          // values of a head
    scale: f32,        // of scores
    epsilon: f32,
    sign: f32,         // of a rotation
}

@group(0) @binding(0) var<uniform> params: Params;
