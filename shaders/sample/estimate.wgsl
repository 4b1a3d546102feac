// The mass of each chunk of a row as filters see it, in floats: what decide.wgsl takes for a bound, and not for the truth.
//
// Shapes: source [rows, vocab], step [rows] -> masses [rows, chunks], the best token being 1. Dispatch: as peaks.wgsl.
#import sample/params
#import sample/reader
#import sample/fixed
#import sample/program

const LANES: u32 = 64u;

@group(0) @binding(3) var<storage, read_write> masses: array<f32>;
@group(0) @binding(4) var<storage, read> row_list: array<u32>;
@group(0) @binding(6) var<storage, read> step: array<u32>;

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
    let index = group.y * groups.x + group.x;
    if index / params.slices >= params.row_count {
        return;
    }
    let row_index = row_list[params.list_first + index / params.slices];
    let slice = index % params.slices;
    let row = row_at(row_index);
    let best = bits_of(step[2u * row_index]);
    let rate = bitcast<f32>(programs[row_index].filter_rate);
    var sum = vec4(0.0);
    var quad = slice * LANES * params.chunk_quads + lane;
    for (var i = 0u; i < params.chunk_quads; i++) {
        if quad < row.quads {
            let bits = source_quad(row.quad + quad);
            let there = quad_ids(row, quad) < vec4(params.vocab) & is_candidate(bits);
            // No NaN and no infinity reaches a float.
            let logits = bitcast<vec4<f32>>(select(vec4(best), bits, there));
            let depths = clamp((logits - bitcast<f32>(best)) * rate, vec4(-60.0), vec4(0.0));
            sum += select(vec4(0.0), power(depths), there);
        }
        quad += LANES;
    }
    masses[row_index * params.chunks + slice * LANES + lane] = sum.x + sum.y + sum.z + sum.w;
}
