// A row of logits, four ids to a quad, wherever the row begins.
#import source
#import sample/params
#import sample/order

struct Row {
    index: u32,
    quad: u32,  // the quad of the binding in which it begins
    lead: u32,  // elements of that quad before it
    last: u32,  // the quad of the binding in which it ends
    quads: u32,
    plain_quads: u32, // of which all four are the row's; the first ones
}

fn row_at(index: u32) -> Row {
    let first = params.element_first + (index - params.row_first) * params.stride;
    return Row(index, first >> 2u, first & 3u, (first + params.vocab - 1u) >> 2u, (params.vocab + 3u) >> 2u, params.vocab >> 2u);
}

// The ids of a quad; those of the last one may lie beyond the vocabulary.
fn quad_ids(row: Row, quad: u32) -> vec4<u32> {
    return vec4(4u * quad) + vec4(0u, 1u, 2u, 3u);
}

// The logits of a quad; negative infinity beyond the vocabulary.
fn quad_bits(row: Row, quad: u32) -> vec4<u32> {
    return select(vec4(NEGATIVE_INFINITY), loaded_quad(row, quad), quad_ids(row, quad) < vec4(params.vocab));
}

fn loaded_quad(row: Row, quad: u32) -> vec4<u32> {
    let at = row.quad + quad;
    var bits = source_quad(at);
    // Where the row begins within a quad of the binding, each of its own lies across two. A loop, because processors pass by a loop
    // that no invocation enters, and not by a branch.
    for (var once = u32(row.lead != 0u); once > 0u; once--) {
        let next = source_quad(min(at + 1u, row.last));
        let by_one = vec4(bits.yzw, next.x);
        let by_two = vec4(bits.zw, next.xy);
        bits = select(select(vec4(bits.w, next.xyz), by_two, row.lead == 2u), by_one, row.lead == 1u);
    }
    return bits;
}
