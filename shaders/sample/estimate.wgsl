// The mass of a row as filters see it, by floats: what decide.wgsl takes for a bound, and not for the truth.
//
// Shapes: source [rows, vocab], step [rows] best key -> step [rows] mass, in the units of weights. Dispatch: as peaks.wgsl.
#import sample/record
#import sample/reader

const LANES: u32 = 64u;

@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;

// Of a workgroup's chunks. Integers, so that the sum is the same whoever comes first.
var<workgroup> mass_low: atomic<u32>;
var<workgroup> mass_high: atomic<u32>;

// A mass of which the best token is 1, in the units of weights.
fn fixed_mass(mass: f32) -> vec2<u32> {
    let bits = bitcast<u32>(mass);
    let mantissa = vec2((bits & 0x7fffffu) | 0x800000u, 0u);
    let shift = i32((bits >> 23u) & 255u) - 105;
    return select(right64(mantissa, u32(clamp(-shift, 0, 63))), left64(mantissa, u32(clamp(shift, 0, 40))), shift >= 0);
}

// 2^x for x in [-60, 0]: Taylor's series of 2^(f + 1/2) around the middle between two integers; the rest is under 2^-22.
fn power(x: vec4<f32>) -> vec4<f32> {
    let whole = floor(x);
    let f = x - whole - 0.5;
    var sum = f * 0.00021783882 + 0.0018856499;
    sum = sum * f + 0.013602089;
    sum = sum * f + 0.078494663;
    sum = sum * f + 0.33973158;
    sum = sum * f + 0.98025814;
    sum = sum * f + 1.4142136;
    return sum * bitcast<vec4<f32>>(vec4<u32>(vec4<i32>(whole) + 127) << vec4(23u));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let place = place_of(group, groups);
    let slice = place.slice;
    if place.row >= params.row_count {
        return;
    }
    let row = row_at(listed_row(place.row));
    // An infinite logit leaves only its like, all equal. No NaN and no infinity reaches a float.
    let words = row.index * STEP_WORDS;
    let best = atomicLoad(&step[words]);
    let lowest = select(LOWEST, INFINITE, best == INFINITE);
    let base = select(bits_of(best), 0u, best == INFINITE || best == EXCLUDED);
    let rate = bitcast<f32>(programs[row.index * PROGRAM_WORDS + FILTER_RATE]);
    var sum = vec4(0.0);
    let first = slice * LANES * params.chunk_quads + lane;
    for (var quad = first; quad < min(first + params.chunk_quads * LANES, row.quads); quad += LANES) {
        let bits = quad_bits(row, quad);
        let there = keys_of(bits) >= vec4(lowest);
        let logits = bitcast<vec4<f32>>(select(vec4(base), bits, there & (bits != vec4(0x7f800000u))));
        let depths = clamp((logits - bitcast<f32>(base)) * rate, vec4(-60.0), vec4(0.0));
        sum += select(vec4(0.0), power(depths), there);
    }
    let mass = fixed_mass(sum.x + sum.y + sum.z + sum.w);
    let old = atomicAdd(&mass_low, mass.x);
    atomicAdd(&mass_high, mass.y + u32(old + mass.x < old));
    workgroupBarrier();
    if lane == 0u {
        let low = atomicLoad(&mass_low);
        let before = atomicAdd(&step[words + MASS - BEST], low);
        atomicAdd(&step[words + MASS + 1u - BEST], atomicLoad(&mass_high) + u32(before + low < before));
    }
}
