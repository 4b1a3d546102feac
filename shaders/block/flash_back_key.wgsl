// The gradients of flash attention's keys and values: over the queries that see a key, in all heads that it serves, dv sums p do and dk sums
// p (do v - delta) / sqrt(dim) q, with p = exp(q k / sqrt(dim) - lse) computed again.
//
// Shapes: q, dout [rows, heads dim], k, v, dk, dv [batch keys, kv_heads dim], lse and delta [batch, heads, tokens]; tokens = keys. Dispatch: a
// workgroup a key of a key head.
#import block/places
#import block/tile

@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read> v: array<f32>;
@group(0) @binding(4) var<storage, read> dout: array<f32>;
@group(0) @binding(5) var<storage, read> lse: array<f32>;
@group(0) @binding(6) var<storage, read> delta: array<f32>;
@group(0) @binding(7) var<storage, read_write> dk: array<f32>;
@group(0) @binding(8) var<storage, read_write> dv: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    let key_heads = params.heads / params.group;
    if index >= params.batch * params.keys * key_heads {
        return;
    }
    let key_head = index % key_heads;
    let key = index / key_heads % params.keys;
    let sequence = index / key_heads / params.keys;
    let at = index * params.dim;
    var keys = array<f32, SLOTS>();
    var values = array<f32, SLOTS>();
    for (var head = key_head * params.group; head < (key_head + 1u) * params.group; head++) {
        let rows = (sequence * params.heads + head) * params.tokens;
        for (var first = key; first < params.tokens; first += LANES) {
            let token = first + lane;
            var p = 0.0;
            var ds = 0.0;
            if token < params.tokens {
                let query = query_of(rows + token);
                var score = 0.0;
                var dp = 0.0;
                for (var i = 0u; i < params.dim; i++) {
                    score += q[query.at + i] * k[at + i];
                    dp += dout[query.at + i] * v[at + i];
                }
                p = exp(score * params.scale - lse[rows + token]);
                ds = p * (dp - delta[rows + token]) * params.scale;
            }
            tile[lane] = p;
            second_tile[lane] = ds;
            workgroupBarrier();
            for (var slot = 0u; slot < slots(); slot++) {
                let i = slot * LANES + lane;
                if i < params.dim {
                    for (var other = 0u; other < min(LANES, params.tokens - first); other++) {
                        let start = query_of(rows + first + other).at + i;
                        values[slot] += tile[other] * dout[start];
                        keys[slot] += second_tile[other] * q[start];
                    }
                }
            }
            workgroupBarrier();
        }
    }
    for (var slot = 0u; slot < slots(); slot++) {
        let i = slot * LANES + lane;
        if i < params.dim {
            dk[at + i] = keys[slot];
            dv[at + i] = values[slot];
        }
    }
}
