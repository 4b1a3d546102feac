// Quantizes a window of a tensor with scales that are known already: a scale a row, a group or a tensor.
//
// Shapes: source [elements], scales [units] -> codes [elements] of CODE_BITS each, packed low bits first.
// q = clamp(rne(x / scale)), the quotient rounded to F32 first. Source: compressed-tensors 0.20, quantize.
// Dispatch: an invocation takes `steps` runs of 32 elements; it alone writes their words.
#import source
#import format
#import lib/grid
#import lib/finite
#import lib/propose
#import lib/errors

struct Params {
    elements: u32,     // in this window
    source_first: u32, // the quad of `source` at which the window begins
    word_first: u32,   // the word of `codes` at which it begins
    unit_len: u32,
    unit_first: u32,   // the scale, within the binding, of the window's first element
    position: u32,     // of that element within its unit
    runs_per_group: u32,
    steps: u32,
    lane_stride: u32,
    step_stride: u32,
    run_octets: u32,   // 4, said by the host so that compilers keep the loop
    partials: u32,     // error sums to write, one an invocation; 0: measure nothing
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [units] F32 bits
@group(0) @binding(4) var<storage, read_write> codes: array<u32>;
@group(0) @binding(5) var<storage, read_write> partials: array<vec4<u32>>; // [invocations] error sums

// Below 2^-120 an adapter that flushes subnormals would lose bits of the values, and 1/scale may overflow.
const LEAST_SCALE: u32 = 0x03800000u;

// The unit of the elements being read, and what its floats are.
struct Unit {
    index: u32,
    position: u32,
    scale: u32,
    inverse: f32,
}

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let mine = share(group, groups, lane, params.runs_per_group, params.lane_stride);
    var errors = no_errors();
    for (var step = 0u; step < params.steps; step++) {
        let first = (mine.first + step * params.step_stride) * (8u * params.run_octets);
        if first < params.elements {
            quantize_run(first, &errors);
        }
    }
    if mine.invocation < params.partials {
        partials[mine.invocation] = packed_errors(errors);
    }
}

fn unit_of(index: u32) -> Unit {
    let at = params.position + index;
    let unit = params.unit_first + at / params.unit_len;
    let scale = scales[unit];
    return Unit(unit, at % params.unit_len, scale, select(1.0 / bitcast<f32>(scale), 0.0, scale < LEAST_SCALE));
}

fn quantize_run(first: u32, errors: ptr<function, Errors>) {
    var unit = unit_of(first);
    var doubt = 0u;
    var small = 0u;
    for (var octet = 0u; octet < params.run_octets; octet++) {
        let index = first + 8u * octet;
        if index >= params.elements {
            break;
        }
        var code: array<vec4<i32>, 2>;
        for (var half = 0u; half < 2u; half++) {
            let at = index + 4u * half;
            var x = source_quad(params.source_first + (at >> 2u));
            if any((x & vec4(0x7fffffffu)) >= vec4(INFINITY_BITS)) {
                x = finite(x);
            }
            if at + 4u > params.elements {
                x = select(vec4(0u), x, vec4(at) + vec4(0u, 1u, 2u, 3u) < vec4(params.elements));
            }
            // Each element's own scale: four times the same but where a unit ends.
            var scale = vec4(unit.scale);
            var inverse = vec4(unit.inverse);
            if unit.position + 4u < params.unit_len {
                unit.position += 4u;
            } else {
                for (var i = 0u; i < 4u; i++) {
                    scale[i] = unit.scale;
                    inverse[i] = unit.inverse;
                    unit.position++;
                    if unit.position == params.unit_len {
                        unit = unit_of(at + i + 1u);
                    }
                }
            }
            let real = bitcast<vec4<f32>>(x) * inverse;
            let proposed = proposal(real);
            let q = clamp(with_sign(proposed.magnitude, x), vec4(LOWEST), vec4(HIGHEST));
            code[half] = q;
            let tiny = scale < vec4(LEAST_SCALE);
            // Above the highest code every candidate is clamped to it, so there is nothing to doubt.
            let doubtful = (proposed.doubt & (real < vec4(f32(HIGHEST)))) | tiny;
            doubt |= mask_of(doubtful) << (8u * octet + 4u * half);
            small |= mask_of(tiny) << (8u * octet + 4u * half);
            if params.partials != 0u {
                let largest = max(max(scale.x, scale.y), max(scale.z, scale.w));
                expect_errors(errors, largest + (SCALE_TO_LARGEST << 23u));
                // What is small is measured where it is settled.
                let counted = select(x, vec4(0u), tiny);
                add_errors(errors, counted, select(vec4<f32>(q) * bitcast<vec4<f32>>(scale), vec4(0.0), tiny));
                count_zeroed(errors, x, (q == vec4(0)) & !doubtful);
            }
        }
        let words = packed(code[0], code[1]);
        let word = params.word_first + (index >> 3u) * (CODE_BITS >> 2u);
        codes[word] = words.x;
        if CODE_BITS == 8u {
            codes[word + 1u] = words.y;
        }
    }
    for (; doubt != 0u; doubt &= doubt - 1u) {
        let i = firstTrailingBit(doubt);
        settle_element(first + i, (small >> i) & 1u, errors);
    }
}

fn settle_element(index: u32, small: u32, errors: ptr<function, Errors>) {
    if index >= params.elements {
        return;
    }
    let quad = finite(source_quad(params.source_first + (index >> 2u)));
    let low = select(quad.x, quad.y, (index & 1u) == 1u);
    let high = select(quad.z, quad.w, (index & 1u) == 1u);
    let x = select(low, high, (index & 2u) == 2u);
    let scale = scales[params.unit_first + (params.position + index) / params.unit_len];
    let size = i32(nearest_even(quotient(magnitude(x), scale)));
    let code = clamp(select(size, -size, x >= 0x80000000u), LOWEST, HIGHEST);

    let bit = index * CODE_BITS;
    let word = params.word_first + (bit >> 5u);
    let mask = ((1u << CODE_BITS) - 1u) << (bit & 31u);
    codes[word] = (codes[word] & ~mask) | ((stored_code(code) << (bit & 31u)) & mask);
    if params.partials != 0u {
        (*errors).zeroed += select(0u, 1u, code == 0 && magnitude(x) != 0u);
        if small != 0u {
            // Of the others the proposal was measured, and at a tie it is as wrong as this code.
            add_errors(errors, vec4(x, 0u, 0u, 0u), vec4(f32(code) * bitcast<f32>(scale), 0.0, 0.0, 0.0));
        }
    }
}
