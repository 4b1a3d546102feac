// SwiGLU: act = gate / (1 + exp(-gate)) * up. Source: Shazeer 2020.
//
// Shapes: gate, up, act [rows, width]. Dispatch: an invocation an element.
#import block/params

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read_write> act: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.y * groups.x + group.x) * LANES + lane;
    if i < params.rows * params.width {
        act[i] = gate[i] / (1.0 + exp(-gate[i])) * up[i];
    }
}
