// Rotary positions, in place: value i of a head and value i + dim / 2 turn by the angle of their position; back with sign -1.
// Source: Su et al. 2021, in the layout of Hugging Face's Llama. The angles come from the host, because WGSL's sine is not exact.
//
// Shapes: values [rows, heads dim], turns [positions, dim / 2] (cosine, sine). Dispatch: an invocation a pair.
#import block/params

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read> turns: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> values: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (group.y * groups.x + group.x) * LANES + lane;
    let half = params.dim / 2u;
    let pairs = params.width / 2u;
    let row = index / pairs;
    if row >= params.rows {
        return;
    }
    let head = index % pairs / half;
    let i = index % half;
    let at = row * params.width + head * params.dim + i;
    let turn = turns[(params.offset + row % params.tokens) * half + i];
    let pair = vec2(values[at], values[at + half]);
    values[at] = pair.x * turn.x - params.sign * pair.y * turn.y;
    values[at + half] = pair.y * turn.x + params.sign * pair.x * turn.y;
}
