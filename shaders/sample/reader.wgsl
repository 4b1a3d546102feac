// A row of logits, four to a load, wherever it begins. The quads are those of the binding, so the first one may hold up to three
// elements that are not the row's, and the last one too.
//
// The kernel's Params: element_first, the element of the binding where row `row_first` begins; stride, elements from row to row; vocab.
#import source
#import sample/order

struct Row {
    quad: u32,  // its first quad in the binding
    lead: u32,  // elements of that quad before the row
    quads: u32,
}

fn row_at(row: u32) -> Row {
    let first = params.element_first + (row - params.row_first) * params.stride;
    let lead = first & 3u;
    return Row(first >> 2u, lead, (lead + params.vocab + 3u) >> 2u);
}

// The ids of a quad's elements; those that are not of the row are beyond the vocabulary.
fn quad_ids(row: Row, quad: u32) -> vec4<u32> {
    return vec4(4u * quad - row.lead) + vec4(0u, 1u, 2u, 3u);
}

// The keys of a quad's elements, EXCLUDED for those that are not of the row.
fn quad_keys(row: Row, quad: u32) -> vec4<u32> {
    let keys = keys_of(source_quad(row.quad + quad));
    return select(vec4(EXCLUDED), keys, quad_ids(row, quad) < vec4(params.vocab));
}

fn key_at(row: Row, id: u32) -> u32 {
    let at = row.lead + id;
    let keys = keys_of(source_quad(row.quad + (at >> 2u)));
    return keys[at & 3u];
}
