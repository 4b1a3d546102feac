// Dequantizes a window of a tensor whose scales lie in a plane of their own to F32: x = scale (q - z).
//
// Shapes: codes [elements] of CODE_BITS each, scales [units] -> values [elements].
// Dispatch: an invocation takes `steps` runs of 8 * run_octets elements.
#import format
#import scales
#import zero
#import lib/grid

struct Params {
    elements: u32,   // in this window
    word_first: u32, // the word of `codes` at which the window begins
    quad_first: u32, // the quad of `values` at which it begins
    unit_len: u32,
    unit_first: u32, // the scale, within the binding, of the window's first element
    position: u32,   // of that element within its unit
    runs_per_group: u32,
    steps: u32,
    lane_stride: u32,
    step_stride: u32,
    run_octets: u32,
    unit_base: u32,  // for slot `zero`: the number of the window's first unit among those of its eight rows
    groups: u32,     // units in a row
    zero_first: u32, // the word of `zero_points` at which the window's first row of words begins
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> codes: array<u32>;
@group(0) @binding(3) var<storage, read_write> values: array<vec4<f32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let mine = share(group, groups, lane, params.runs_per_group, params.lane_stride);
    for (var step = 0u; step < params.steps; step++) {
        let first = (mine.first + step * params.step_stride) * (8u * params.run_octets);
        if first < params.elements {
            dequantize_run(first);
        }
    }
}

fn dequantize_run(first: u32) {
    var unit = (params.position + first) / params.unit_len;
    var position = (params.position + first) % params.unit_len;
    var scale = scale_at(params.unit_first + unit);
    var zero = zero_point(unit);
    for (var octet = 0u; octet < params.run_octets; octet++) {
        let index = first + 8u * octet;
        if index >= params.elements {
            break;
        }
        let word = params.word_first + (index >> 3u) * (CODE_BITS >> 2u);
        var words = vec2(codes[word], 0u);
        if CODE_BITS == 8u {
            words.y = codes[word + 1u];
        }
        for (var half = 0u; half < 2u; half++) {
            var each = vec4(scale);
            var zeros = vec4(zero);
            if position + 4u < params.unit_len {
                position += 4u;
            } else {
                for (var i = 0u; i < 4u; i++) {
                    each[i] = scale;
                    zeros[i] = zero;
                    position++;
                    if position == params.unit_len {
                        unit++;
                        position = 0u;
                        scale = scale_at(params.unit_first + unit);
                        zero = zero_point(unit);
                    }
                }
            }
            if index + 4u * half < params.elements {
                values[params.quad_first + (index >> 2u) + half] = vec4<f32>(unpacked(words, half == 1u) - zeros) * each;
            }
        }
    }
}
