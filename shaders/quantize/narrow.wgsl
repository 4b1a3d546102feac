// Stores scales as F16: they are F16 values already, widened to F32.
//
// Shapes: wide [units] F32 bits -> narrow [units] F16. Dispatch: an invocation a word, two scales.
#import lib/grid
#import lib/exact

struct Params {
    units: u32,
    wide_first: u32,   // the word of each binding at which the window begins
    narrow_first: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> wide: array<u32>;
@group(0) @binding(2) var<storage, read_write> narrow: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let word = share(group, groups, lane, WORKGROUP, 1u).first;
    let unit = 2u * word;
    if unit < params.units {
        var two = half_bits(wide[params.wide_first + unit]);
        if unit + 1u < params.units {
            two |= half_bits(wide[params.wide_first + unit + 1u]) << 16u;
        }
        narrow[params.narrow_first + word] = two;
    }
}
