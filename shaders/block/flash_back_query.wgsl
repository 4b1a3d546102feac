// The gradient of flash attention's queries: with p = exp(q k / sqrt(dim) - lse) computed again and delta = do o, dq is the sum over keys of
// p (do v - delta) / sqrt(dim) k. delta is left for the keys' gradients.
//
// Shapes: q, o, dout, dq [rows, heads dim], k, v [batch keys, kv_heads dim], lse and delta [batch, heads, tokens]. Dispatch: a workgroup a
// query of a head.
#import block/places
#import block/tile

@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> o: array<f32>;
@group(0) @binding(5) var<storage, read> dout: array<f32>;
@group(0) @binding(6) var<storage, read> lse: array<f32>;
@group(0) @binding(7) var<storage, read_write> delta: array<f32>;
@group(0) @binding(8) var<storage, read_write> dq: array<f32>;

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
    var products = 0.0;
    for (var i = lane; i < params.dim; i += LANES) {
        products += o[query.at + i] * dout[query.at + i];
    }
    let all = sum_of_all(products, lane);
    if lane == 0u {
        delta[index] = all;
    }
    var sums = array<f32, SLOTS>();
    for (var first = 0u; first < query.sees; first += LANES) {
        let j = first + lane;
        var ds = 0.0;
        if j < query.sees {
            let key = key_at(query.sequence, j, query.head / params.group);
            var score = 0.0;
            var dp = 0.0;
            for (var i = 0u; i < params.dim; i++) {
                score += q[query.at + i] * k[key + i];
                dp += dout[query.at + i] * v[key + i];
            }
            ds = exp(score * params.scale - lse[index]) * (dp - all) * params.scale;
        }
        tile[lane] = ds;
        workgroupBarrier();
        for (var slot = 0u; slot < slots(); slot++) {
            let i = slot * LANES + lane;
            if i < params.dim {
                for (var other = 0u; other < min(LANES, query.sees - first); other++) {
                    sums[slot] += tile[other] * k[key_at(query.sequence, first + other, query.head / params.group) + i];
                }
            }
        }
        workgroupBarrier();
    }
    for (var slot = 0u; slot < slots(); slot++) {
        let i = slot * LANES + lane;
        if i < params.dim {
            dq[query.at + i] = sums[slot];
        }
    }
}
