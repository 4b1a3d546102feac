// The gradient of RMSNorm's input, added to what is there: with r = 1 / sqrt(mean(x^2) + epsilon) and g = dy weight,
// dx += r (g - x r^2 mean(g x)). r is computed again from x, and left for the weight's gradient.
//
// Shapes: x, dy, dx [rows, width], weight [width], r [rows]. Dispatch: a workgroup a row.
#import block/params
#import block/sum

@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read> dy: array<f32>;
@group(0) @binding(4) var<storage, read_write> dx: array<f32>;
@group(0) @binding(5) var<storage, read_write> r: array<f32>;

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
    var products = 0.0;
    for (var i = lane; i < params.width; i += LANES) {
        squares += x[base + i] * x[base + i];
        products += dy[base + i] * weight[i] * x[base + i];
    }
    let scale = inverseSqrt(sum_of_all(squares, lane) / f32(params.width) + params.epsilon);
    let mean = sum_of_all(products, lane) / f32(params.width);
    for (var i = lane; i < params.width; i += LANES) {
        dx[base + i] += scale * (dy[base + i] * weight[i] - x[base + i] * scale * scale * mean);
    }
    if lane == 0u {
        r[row] = scale;
    }
}
