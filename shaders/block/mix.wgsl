// Each query's sum of the keys' rows, weighted by a matrix: o = p v, dq = ds k.
//
// Shapes: weights [batch, heads, tokens, keys], x [batch keys, kv_heads dim], y [rows, heads dim]. Dispatch: an invocation an element of y.
#import block/places

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read> weights: array<f32>;
@group(0) @binding(2) var<storage, read> x: array<f32>;
@group(0) @binding(3) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (group.y * groups.x + group.x) * LANES + lane;
    if index >= params.batch * params.heads * params.tokens * params.dim {
        return;
    }
    let row = index / params.dim;
    let i = index % params.dim;
    let query = query_of(row);
    var sum = 0.0;
    for (var j = 0u; j < query.sees; j++) {
        sum += weights[row * params.keys + j] * x[key_at(query.sequence, j, query.head / params.group) + i];
    }
    y[query.at + i] = sum;
}
