// Where a head's values lie, and how far a query sees.
#import block/params

// A row of the matrix of scores: a query of a head of a sequence.
struct Query {
    sequence: u32,
    head: u32,
    token: u32,
    at: u32,    // of its values in the tensors of queries
    sees: u32,  // keys
}

fn query_of(index: u32) -> Query {
    let token = index % params.tokens;
    let head = index / params.tokens % params.heads;
    let sequence = index / params.tokens / params.heads;
    let at = ((sequence * params.tokens + token) * params.heads + head) * params.dim;
    return Query(sequence, head, token, at, params.offset + token + 1u);
}

// Of a key's or value's head in the tensors of keys and values.
fn key_at(sequence: u32, key: u32, key_head: u32) -> u32 {
    return ((sequence * params.keys + key) * (params.heads / params.group) + key_head) * params.dim;
}
