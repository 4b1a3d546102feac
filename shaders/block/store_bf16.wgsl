// Puts the keys or values of new tokens into a cache in BF16, to the nearest.
//
// Shapes: x [rows, width], to [batch keys, width] in pairs; width is even. Dispatch: an invocation a pair of x.
#import block/params
#import lib/bf16_pairs

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read_write> to: array<u32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let pair = (group.y * groups.x + group.x) * LANES + lane;
    let pairs = params.width / 2u;
    let row = pair / pairs;
    if row >= params.rows {
        return;
    }
    let place = row / params.tokens * params.keys + params.offset + row % params.tokens;
    to[place * pairs + pair % pairs] = nearest_pair(x[pair]);
}
