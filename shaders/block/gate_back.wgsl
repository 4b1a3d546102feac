// The gradients of SwiGLU: with s = 1 / (1 + exp(-gate)), dgate = dact up s (1 + gate (1 - s)) and dup = dact gate s. dup takes dact's place.
//
// Shapes: gate, up, dgate, dup [rows, width]. Dispatch: an invocation an element.
#import block/params

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read> gate: array<f32>;
@group(0) @binding(2) var<storage, read> up: array<f32>;
@group(0) @binding(3) var<storage, read_write> dgate: array<f32>;
@group(0) @binding(4) var<storage, read_write> dup: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (group.y * groups.x + group.x) * LANES + lane;
    if i < params.rows * params.width {
        let share = 1.0 / (1.0 + exp(-gate[i]));
        let dact = dup[i];
        dgate[i] = dact * up[i] * share * (1.0 + gate[i] * (1.0 - share));
        dup[i] = dact * gate[i] * share;
    }
}
