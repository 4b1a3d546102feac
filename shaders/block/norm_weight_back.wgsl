// The gradient of RMSNorm's weight: the sum over rows of dy x r.
//
// Shapes: x, dy [rows, width], r [rows], dweight [width]. Dispatch: an invocation a column.
#import block/params

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> dy: array<f32>;
@group(0) @binding(3) var<storage, read> r: array<f32>;
@group(0) @binding(4) var<storage, read_write> dweight: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let column = (group.y * groups.x + group.x) * LANES + lane;
    if column >= params.width {
        return;
    }
    var sum = 0.0;
    for (var row = 0u; row < params.rows; row++) {
        let at = row * params.width + column;
        sum += dy[at] * x[at] * r[row];
    }
    dweight[column] = sum;
}
