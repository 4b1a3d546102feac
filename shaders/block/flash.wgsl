// Attention a row at a time: keys in tiles, with a running maximum and sum; what is kept of a row is the logarithm of its sum.
// Source: Milakov & Gimelshein 2018 (online softmax); Dao et al. 2022 (FlashAttention).
//
// The slot `cache` reads keys and values.
//
// Shapes: q, o [rows, heads dim], k, v [batch keys, kv_heads dim], lse [batch, heads, tokens]. Dispatch: a workgroup a query of a head.
#import block/places
#import block/tile
#import cache

@group(0) @binding(1) var<storage, read> q: array<f32>;
@group(0) @binding(4) var<storage, read_write> o: array<f32>;
@group(0) @binding(5) var<storage, read_write> lse: array<f32>;

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
    var sums = array<f32, SLOTS>();
    var most = LOWEST;
    var total = 0.0;
    for (var first = 0u; first < query.sees; first += LANES) {
        let j = first + lane;
        var score = LOWEST;
        if j < query.sees {
            let key = key_at(query.sequence, j, query.head / params.group);
            score = 0.0;
            for (var i = 0u; i < params.dim; i++) {
                score += q[query.at + i] * key_value(key + i);
            }
            score *= params.scale;
        }
        let now = max(most, most_of_all(score, lane));
        let share = select(0.0, exp(score - now), j < query.sees);
        let kept = select(0.0, exp(most - now), first > 0u);
        tile[lane] = share;
        total = total * kept + sum_of_all(share, lane);
        most = now;
        // sum_of_all has waited for all: the tile is whole.
        for (var slot = 0u; slot < slots(); slot++) {
            let i = slot * LANES + lane;
            var sum = sums[slot] * kept;
            if i < params.dim {
                for (var other = 0u; other < min(LANES, query.sees - first); other++) {
                    sum += tile[other] * value_value(key_at(query.sequence, first + other, query.head / params.group) + i);
                }
            }
            sums[slot] = sum;
        }
        workgroupBarrier();
    }
    for (var slot = 0u; slot < slots(); slot++) {
        let i = slot * LANES + lane;
        if i < params.dim {
            o[query.at + i] = sums[slot] / total;
        }
    }
    if lane == 0u {
        lse[index] = most + log(total);
    }
}
