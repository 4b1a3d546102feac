// Copies rows of one length to rows of another, in F32: what is missing becomes 0, what is too much is left out.
//
// Shapes: source [rows, from] -> values [rows, to]. Dispatch: an invocation a quad of `values`.
#import source
#import lib/grid

struct Params {
    from_len: u32,
    to_len: u32,
    elements: u32, // of `values`, in this window
    source_first: u32, // the element of `source` at which the window's first row begins
    quad_first: u32,
    position: u32, // of the window's first element within its row
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read_write> values: array<vec4<u32>>; // F32 bits

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let quad = share(group, groups, lane, WORKGROUP, 1u).first;
    if 4u * quad >= params.elements {
        return;
    }
    var value = vec4(0u);
    for (var i = 0u; i < 4u; i++) {
        let at = params.position + 4u * quad + i;
        let column = at % params.to_len;
        if column < params.from_len && 4u * quad + i < params.elements {
            let from_index = params.source_first + (at / params.to_len) * params.from_len + column;
            value[i] = source_quad(from_index >> 2u)[from_index & 3u];
        }
    }
    values[params.quad_first + quad] = value;
}
