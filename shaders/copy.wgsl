// Copies: the limit that every other kernel's speed is set beside.
//
// Dispatch: an invocation a vector; pinned, so that figures of different days compare.

const WORKGROUP: u32 = 256u;

struct Params {
    quads: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> source: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> values: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let quad = (group.y * groups.x + group.x) * WORKGROUP + lane;
    if quad < params.quads {
        values[quad] = source[quad];
    }
}
