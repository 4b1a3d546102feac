// Each key's sum of the queries' rows that see it, weighted by a matrix, over the heads that it serves: dv = p' do, dk = ds' q.
//
// Shapes: weights [batch, heads, tokens, keys], x [rows, heads dim], y [batch keys, kv_heads dim]; tokens = keys. Dispatch: an invocation an
// element of y.
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
    let key_heads = params.heads / params.group;
    if index >= params.batch * params.keys * key_heads * params.dim {
        return;
    }
    let i = index % params.dim;
    let key_head = index / params.dim % key_heads;
    let key = index / params.dim / key_heads % params.keys;
    let sequence = index / params.dim / key_heads / params.keys;
    var sum = 0.0;
    for (var head = key_head * params.group; head < (key_head + 1u) * params.group; head++) {
        for (var token = key; token < params.tokens; token++) {
            let row = (sequence * params.heads + head) * params.tokens + token;
            sum += weights[row * params.keys + key] * x[query_of(row).at + i];
        }
    }
    y[index] = sum;
}
