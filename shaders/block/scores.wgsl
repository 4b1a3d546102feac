// Naive attention: the probabilities of the keys that a query sees, softmax(q k / sqrt(dim)); 0 for the others.
//
// Shapes: q [rows, heads dim], k [batch keys, kv_heads dim], p [batch, heads, tokens, keys]. Dispatch: a workgroup a row of p.
#import block/places
#import block/sum

@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(2) var<storage, read> k: array<f32>;
@group(0) @binding(3) var<storage, read_write> p: array<f32>;

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
    var most = -3.0e38;
    for (var j = lane; j < query.sees; j += LANES) {
        let key = key_at(query.sequence, j, query.head / params.group);
        var score = 0.0;
        for (var i = 0u; i < params.dim; i++) {
            score += q[query.at + i] * k[key + i];
        }
        p[base + j] = score * params.scale;
        most = max(most, score * params.scale);
    }
    most = most_of_all(most, lane);
    var sum = 0.0;
    for (var j = lane; j < query.sees; j += LANES) {
        let share = exp(p[base + j] - most);
        p[base + j] = share;
        sum += share;
    }
    let inverse = 1.0 / sum_of_all(sum, lane);
    for (var j = lane; j < params.keys; j += LANES) {
        p[base + j] = select(0.0, p[base + j] * inverse, j < query.sees);
    }
}
