// The gradient of naive attention's scores: ds = p (dp - sum(p dp)) / sqrt(dim), with dp = do v; 0 for keys that are not seen.
//
// Shapes: p, ds [batch, heads, tokens, keys], v [batch keys, kv_heads dim], dout [rows, heads dim]. Dispatch: a workgroup a row of p.
#import block/places
#import block/sum

@group(0) @binding(1) var<storage, read> p: array<f32>;
@group(0) @binding(2) var<storage, read> v: array<f32>;
@group(0) @binding(3) var<storage, read> dout: array<f32>;
@group(0) @binding(4) var<storage, read_write> ds: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= params.batch * params.heads * params.tokens {
        return;
    }
    let query = query_of(index);
    let base = index * params.keys;
    var sum = 0.0;
    for (var j = lane; j < query.sees; j += LANES) {
        let value = key_at(query.sequence, j, query.head / params.group);
        var dp = 0.0;
        for (var i = 0u; i < params.dim; i++) {
            dp += dout[query.at + i] * v[value + i];
        }
        ds[base + j] = dp;
        sum += p[base + j] * dp;
    }
    let all = sum_of_all(sum, lane);
    for (var j = lane; j < params.keys; j += LANES) {
        ds[base + j] = select(0.0, p[base + j] * (ds[base + j] - all) * params.scale, j < query.sees);
    }
}
