// Turns the largest magnitude of each unit into its scale, in place: scale = amax / divisor, exactly rounded.
//
// Shape: units [units] F32 bits. Dispatch: an invocation a unit.
// Source: compressed-tensors 0.20, calculate_qparams, symmetric.
#import lib/grid
#import lib/scale

struct Params {
    units: u32,
    unit_first: u32, // the word of the binding at which the window begins
    divisor: u32,    // F32 bits: half of the range of codes, 127.5 for 8 bits
    half: u32,       // 1: rounded to F16
    slot: u32,       // of `status`, for scales beyond F16
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> units: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let unit = share(group, groups, lane, WORKGROUP, 1u).first;
    if unit < params.units {
        let scale = stored_scale(quotient(units[params.unit_first + unit], params.divisor), unit);
        units[params.unit_first + unit] = select(scale, EPSILON, scale == 0u);
    }
}
