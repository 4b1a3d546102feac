// Adds up the error sums of many invocations, RUN of them by each invocation here; the host adds the rest in f64.
//
// Shapes: partials [partials] -> totals [ceil(partials / run), 8].
#import lib/grid
#import lib/errors

struct Params {
    partials: u32,
    run: u32,
}

struct Total {
    squared_error: f32, // in 2^(2 exponent)
    squared: f32,       // in 2^(2 exponent)
    worst: f32,         // in 2^exponent
    exponent: i32,
    clipped: u32,
    zeroed: u32,
    unused_0: u32,
    unused_1: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> partials: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> totals: array<Total>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = share(group, groups, lane, WORKGROUP, 1u).first;
    let first = index * params.run;
    if first >= params.partials {
        return;
    }
    var sum = no_errors();
    for (var i = first; i < min(first + params.run, params.partials); i++) {
        let partial = partials[i];
        let exponent = i32(partial.w >> 20u) + LEAST_EXPONENT;
        expect_errors(&sum, bitcast<u32>(power_of_two(exponent)));
        let shrink = power_of_two(exponent - sum.exponent);
        sum.squared_error += bitcast<f32>(partial.x) * shrink * shrink;
        sum.squared += bitcast<f32>(partial.y) * shrink * shrink;
        sum.worst = max(sum.worst, bitcast<f32>(partial.z) * shrink);
        sum.clipped += partial.w & 0x3ffu;
        sum.zeroed += (partial.w >> 10u) & 0x3ffu;
    }
    totals[index] = Total(sum.squared_error, sum.squared, sum.worst, sum.exponent, sum.clipped, sum.zeroed, 0u, 0u);
}
