// Turns the spread of each unit into its scale and its zero point.
//
// scale = (max - min) / 15, z = rne(clamp(-8 - min / scale)), with 0 between min and max, each step rounded to F32.
// Shapes: spreads [units, 2] F32 bits -> scales [units] F32 bits, zero_points [ceil(rows / 8), groups] of eight 4-bit fields.
// Dispatch: an invocation a unit. Source: compressed-tensors 0.20, calculate_qparams, asymmetric; pack-quantized.
#import lib/grid
#import lib/scale

struct Params {
    units: u32,
    unit_base: u32,    // the number of the window's first unit among those of its eight rows
    spread_first: u32, // the word of each binding at which the window begins
    unit_first: u32,
    zero_first: u32,
    groups: u32,       // units in a row
    half: u32,         // 1: scales rounded to F16
    slot: u32,         // of `status`, for scales beyond F16
}

const STEPS: u32 = 0x41700000u; // 15
const EIGHT: u32 = 0x41000000u;

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spreads: array<u32>;
@group(0) @binding(3) var<storage, read_write> scales: array<u32>;
@group(0) @binding(4) var<storage, read_write> zero_points: array<atomic<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let unit = share(group, groups, lane, WORKGROUP, 1u).first;
    if unit >= params.units {
        return;
    }
    let above = spreads[params.spread_first + 2u * unit];
    let below = spreads[params.spread_first + 2u * unit + 1u];
    let range = difference(above, below | 0x80000000u); // above + below
    let scale = stored_scale(select(quotient(range, STEPS), INFINITY_BITS, range == INFINITY_BITS), unit);
    scales[params.unit_first + unit] = select(scale, EPSILON, scale == 0u);

    let row = (params.unit_base + unit) / params.groups;
    let word = params.zero_first + (params.unit_base + unit) - (row - (row >> 3u)) * params.groups;
    atomicOr(&zero_points[word], u32(zero_point(below, scale) + 8) << (4u * (row & 7u)));
}

fn zero_point(below: u32, scale: u32) -> i32 {
    if scale == 0u || scale == INFINITY_BITS {
        // 0 / 0 is not defined there; a quotient by 0 is beyond every code; one by infinity is 0.
        return select(select(7, 0, below == 0u), -8, scale == INFINITY_BITS);
    }
    let t = quotient(below, scale);
    if t >= EIGHT {
        return min(i32(nearest_even(min(difference(t, EIGHT), EIGHT))), 7);
    }
    return -i32(nearest_even(difference(EIGHT, t)));
}
