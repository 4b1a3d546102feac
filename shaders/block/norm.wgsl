// RMSNorm: y = x / sqrt(mean(x^2) + epsilon) * weight. Source: Zhang & Sennrich 2019. The slot `scale` reads the weight.
//
// Shapes: x, y [rows, width], weight [width]. Dispatch: a workgroup a row.
#import block/params
#import block/sum
#import scale

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let row = group.y * groups.x + group.x;
    if row >= params.rows {
        return;
    }
    let base = row * params.width;
    var squares = 0.0;
    for (var i = lane; i < params.width; i += LANES) {
        squares += x[base + i] * x[base + i];
    }
    let scale = inverseSqrt(sum_of_all(squares, lane) / f32(params.width) + params.epsilon);
    for (var i = lane; i < params.width; i += LANES) {
        y[base + i] = x[base + i] * scale * scale_at(i);
    }
}
