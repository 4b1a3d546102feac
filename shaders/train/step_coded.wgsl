// One step of AdamW on a tensor in F32 whose moments have 8 bits, in blocks that share a scale. Twin: src/train/twin.rs.
//
// Shapes: weights, gradients [elements] F32; first, second [elements] codes, four a word; scales [blocks, 2] F32: of a block's first
// moments and of its second ones. Dispatch: a workgroup a block of 256, four elements an invocation. What is beyond the elements is padding, and 0.
#import train/adamw

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read_write> weights: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> scales: array<vec2<f32>>;
@group(0) @binding(4) var<storage, read_write> first: array<u32>;
@group(0) @binding(5) var<storage, read_write> second: array<u32>;
// The values of codes: of first moments, then of second ones.
@group(0) @binding(6) var<storage, read> codebooks: array<f32>;

var<workgroup> largest: array<vec2<f32>, LANES>;

fn decoded(word: u32, table: u32, scale: f32) -> vec4<f32> {
    let codes = vec4(word, word >> 8u, word >> 16u, word >> 24u) & vec4(0xffu);
    return vec4(codebooks[table + codes.x], codebooks[table + codes.y], codebooks[table + codes.z], codebooks[table + codes.w]) * scale;
}

// The code of the value nearest to a share: how many midpoints between neighbours lie below it.
fn code_of(share: f32, table: u32) -> u32 {
    var low = 0u;
    var high = 255u;
    while low < high {
        let middle = (low + high) / 2u;
        let below = (codebooks[table + middle] + codebooks[table + middle + 1u]) * 0.5 < share;
        low = select(low, middle + 1u, below);
        high = select(middle, high, below);
    }
    return low;
}

fn coded(values: vec4<f32>, table: u32, scale: f32) -> u32 {
    let shares = values * select(0.0, 1.0 / scale, scale > 0.0);
    return code_of(shares.x, table) | (code_of(shares.y, table) << 8u) | (code_of(shares.z, table) << 16u)
        | (code_of(shares.w, table) << 24u);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let block = group.y * groups.x + group.x;
    // Grids are rounded up; a whole workgroup goes.
    if block * 256u >= params.elements {
        return;
    }
    let inside = block * 256u + 4u * lane < params.elements;
    let quad = select(0u, block * LANES + lane, inside);
    let scale = scales[block];
    let before = weights[quad];
    let gradient = gradients[quad];
    let was_first = decoded(first[quad], 0u, scale.x);
    let was_second = decoded(second[quad], 256u, scale.y);
    var next: array<Updated, 4>;
    for (var i = 0u; i < 4u; i++) {
        next[i] = updated(before[i], gradient[i], vec2(was_first[i], was_second[i]));
    }
    // Behind the end there is nothing.
    let there = vec4<f32>(vec4(block * 256u + 4u * lane) + vec4(0u, 1u, 2u, 3u) < vec4(params.elements));
    let first_now = vec4(next[0].first, next[1].first, next[2].first, next[3].first) * there;
    let second_now = vec4(next[0].second, next[1].second, next[2].second, next[3].second) * there;
    let sizes = abs(first_now);
    largest[lane] = vec2(max(max(sizes.x, sizes.y), max(sizes.z, sizes.w)), max(max(second_now.x, second_now.y), max(second_now.z, second_now.w)));
    workgroupBarrier();
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        if lane < half {
            largest[lane] = max(largest[lane], largest[lane + half]);
        }
        workgroupBarrier();
    }
    let now = largest[0];
    if inside {
        weights[quad] = vec4(next[0].weight, next[1].weight, next[2].weight, next[3].weight);
        first[quad] = coded(first_now, 0u, now.x);
        second[quad] = coded(second_now, 256u, now.y);
    }
    if lane == 0u {
        scales[block] = now;
    }
}
