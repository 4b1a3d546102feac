// A row of logits after mask, bias and penalties (penalize.wgsl), four ids to a quad: first the tokens that stand as they came, then,
// behind them, those that were touched.
#import source
#import sample/params
#import sample/order

@group(0) @binding(12) var<storage, read> visible: array<u32>;
@group(0) @binding(13) var<storage, read> extras: array<vec4<u32>>;

struct Row {
    index: u32,
    quad: u32,  // the quad of the binding in which it begins
    lead: u32,  // elements of that quad before it
    last: u32,  // the quad of the binding in which it ends
    quads: u32,
    plain_quads: u32, // of which all four are the row's, and none touched; the first ones
    touched: u32,     // the first quad of touched tokens
}

fn row_at(index: u32) -> Row {
    let first = params.element_first + (index - params.row_first) * params.stride;
    let listed = visible[(index + 1u) * params.visible_words - 1u];
    let own = (params.vocab + 3u) >> 2u;
    return Row(
        index, first >> 2u, first & 3u, (first + params.vocab - 1u) >> 2u, own + ((listed + 3u) >> 2u), params.vocab >> 2u, own
    );
}

// The ids of a quad; NO_TOKEN, or beyond the vocabulary, where there is none.
fn quad_ids(row: Row, quad: u32) -> vec4<u32> {
    var ids = vec4(4u * quad) + vec4(0u, 1u, 2u, 3u);
    for (var once = u32(quad >= row.touched); once > 0u; once--) {
        ids = extras[row.index * (params.extra_words / 4u) + quad - row.touched];
    }
    return ids;
}

// The logits of a quad; negative infinity where there is no token, or none that may be drawn.
fn quad_bits(row: Row, quad: u32) -> vec4<u32> {
    var bits = loaded_quad(row, min(quad, row.touched - 1u));
    for (var once = u32(quad >= row.touched); once > 0u; once--) {
        bits = extras[row.index * (params.extra_words / 4u) + params.extra_words / 8u + quad - row.touched];
    }
    return bits;
}

// The same for a quad of tokens that stand as they came.
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
    let shown = visible[row.index * params.visible_words + (quad >> 3u)] >> (4u * (quad & 7u));
    return select(vec4(NEGATIVE_INFINITY), bits, (vec4(shown) & vec4(1u, 2u, 4u, 8u)) != vec4(0u));
}
