// Quantizes a window of a tensor with scales that are known already: a scale (and a zero point) a row, a group or a tensor.
//
// Shapes: source [elements], scales [units] -> codes [elements] of CODE_BITS each, packed low bits first.
// q = clamp(rne(x / scale + z)), the quotient rounded to F32 first, and the sum. Source: compressed-tensors 0.20, quantize.
// Dispatch: an invocation takes `steps` runs of 32 elements; it alone writes their words.
#import source
#import format
#import zero
#import lib/grid
#import lib/finite
#import lib/measure

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
    unit_base: u32,    // for slot `zero`: the number of the window's first unit among those of its eight rows
    groups: u32,       // units in a row
    zero_first: u32,   // the word of `zero_points` at which the window's first row of words begins
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> scales: array<u32>; // [units] F32 bits
@group(0) @binding(4) var<storage, read_write> codes: array<u32>;
@group(0) @binding(5) var<storage, read_write> partials: array<vec4<u32>>; // [invocations] error sums

// What the proposal of a run found.
const DECIDED: u32 = 0u;
const NEAR: u32 = 1u;       // codes that floats cannot decide
const NOT_FINITE: u32 = 2u; // values that have to be replaced first

// Below 2^-120 an adapter that flushes subnormals would lose bits of the values, and 1/scale may overflow.
const LEAST_SCALE: u32 = 0x03800000u;
const LARGEST_HALF: u32 = 0x477fe000u;
const LEAST_HALF: u32 = 0x33800000u; // 2^-24

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let mine = share(group, groups, lane, params.runs_per_group, params.lane_stride);
    var errors = no_errors();
    var near = 0u;  // bit i: the i-th run of this invocation holds codes that floats cannot decide
    var whole = 0u; // bit i: nothing of that run was proposed
    for (var step = 0u; step < params.steps; step++) {
        let first = (mine.first + step * params.step_stride) * (8u * params.run_octets);
        if first < params.elements {
            let at = params.position + first;
            let unit = at / params.unit_len;
            let scale = scales[params.unit_first + unit];
            let one_unit = at % params.unit_len + 8u * params.run_octets <= params.unit_len;
            if one_unit && first + 8u * params.run_octets <= params.elements && decidable(scale) {
                let found = propose_run(first, Unit(scale, zero_point(unit)), &errors);
                near |= u32(found == NEAR) << step;
                whole |= u32(found == NOT_FINITE) << step;
            } else {
                whole |= 1u << step;
            }
        }
    }
    // Put off to here, and seldom needed: processors run both sides of a branch for all lanes.
    for (var open = near | whole; open != 0u; open &= open - 1u) {
        let step = firstTrailingBit(open);
        let first = (mine.first + step * params.step_stride) * (8u * params.run_octets);
        settle_run(first, ((whole >> step) & 1u) == 1u, &errors);
    }
    if mine.invocation < params.partials {
        partials[mine.invocation] = packed_errors(errors);
    }
}

// What the codes of a unit are chosen with.
struct Unit {
    scale: u32, // F32 bits
    zero: i32,
}

fn unit_at(index: u32) -> Unit {
    let unit = (params.position + index) / params.unit_len;
    return Unit(scales[params.unit_first + unit], zero_point(unit));
}

// Under an infinite scale, or one cut to the largest or raised to the least of F16, sums in units of the scale would overflow or vanish.
fn decidable(scale: u32) -> bool {
    return scale >= LEAST_SCALE && scale < INFINITY_BITS && scale != LARGEST_HALF && scale != LEAST_HALF;
}

// Decides codes of a run by integers: those that the proposal doubted, or the whole run.
fn settle_run(first: u32, whole: bool, errors: ptr<function, Errors>) {
    let unit = unit_at(first);
    let inverse = 1.0 / bitcast<f32>(unit.scale);
    // The mask is made first, for the loop that settles is long, and lanes wait for each other in it.
    var doubt = 0u;
    for (var quad = 0u; quad < 2u * params.run_octets; quad++) {
        let x = finite(source_quad(params.source_first + (first >> 2u) + quad));
        doubt |= select(doubtful(propose(x, inverse, unit.zero)), 15u, whole) << (4u * quad);
    }
    for (; doubt != 0u; doubt &= doubt - 1u) {
        let i = firstTrailingBit(doubt);
        let x = finite(source_quad(params.source_first + ((first + i) >> 2u)));
        settle(first + i, x[i & 3u], errors);
    }
}

fn propose(x: vec4<u32>, inverse: f32, zero: i32) -> vec4<u32> {
    // Beyond the outermost codes every candidate is taken for them, so there is no tie to doubt. As signed integers the bits of floats
    // order rightly against a positive one.
    let y = bitcast<vec4<i32>>(bitcast<vec4<f32>>(x) * inverse);
    let below = bitcast<vec4<f32>>(min(y, vec4(bitcast<i32>(f32(HIGHEST - zero)))));
    return offset_proposal(max(below, vec4(f32(LOWEST - zero))), f32(zero));
}

fn propose_run(first: u32, unit: Unit, errors: ptr<function, Errors>) -> u32 {
    let inverse = 1.0 / bitcast<f32>(unit.scale);
    let before = *errors;
    let measure = params.partials != 0u;
    if measure {
        expect_errors(errors, unit.scale + (SCALE_TO_LARGEST << 23u));
    }
    var sums = begin_sums(errors);
    let step = bitcast<f32>(unit.scale) * sums.unit;
    var least = vec4(FRACTION_MASK);
    var largest = vec4(0u);
    for (var octet = 0u; octet < params.run_octets; octet++) {
        let quad = params.source_first + (first >> 2u) + 2u * octet;
        let x = source_quad(quad);
        let y = source_quad(quad + 1u);
        let p = propose(x, inverse, unit.zero);
        let q = propose(y, inverse, unit.zero);
        least = min(least, min(p & vec4(FRACTION_MASK), q & vec4(FRACTION_MASK)));
        largest = max(largest, max(x & vec4(0x7fffffffu), y & vec4(0x7fffffffu)));
        let words = packed(p >> vec4(FRACTION_BITS), q >> vec4(FRACTION_BITS));
        let word = params.word_first + ((first >> 3u) + octet) * (CODE_BITS >> 2u);
        codes[word] = words.x;
        if CODE_BITS == 8u {
            codes[word + 1u] = words.y;
        }
        if measure {
            measure_offset_quad(&sums, x, p, step, unit.zero);
            measure_offset_quad(&sums, y, q, step, unit.zero);
        }
    }
    if max(max(largest.x, largest.y), max(largest.z, largest.w)) >= INFINITY_BITS {
        *errors = before;
        return NOT_FINITE;
    }
    if measure {
        end_sums(errors, sums);
    }
    return select(DECIDED, NEAR, any_doubtful(least));
}

// Decides one code by integers.
fn settle(index: u32, x: u32, errors: ptr<function, Errors>) {
    if index >= params.elements {
        return;
    }
    let unit = unit_at(index);
    // A quotient by an infinite scale is 0.
    let size = select(quotient(magnitude(x), unit.scale), 0u, unit.scale == INFINITY_BITS);
    let code = clamp(nearest_sum(size | (x & 0x80000000u), unit.zero), LOWEST, HIGHEST);

    let bit = (index * CODE_BITS) & 31u;
    let word = params.word_first + ((index >> 3u) * CODE_BITS >> 2u) + select(0u, (index >> 2u) & 1u, CODE_BITS == 8u);
    let mask = ((1u << CODE_BITS) - 1u) << bit;
    codes[word] = (codes[word] & ~mask) | ((stored_code(code) << bit) & mask);
    if params.partials != 0u {
        let meaning = f32(code - unit.zero) * bitcast<f32>(unit.scale);
        expect_errors(errors, max(magnitude(x), min(magnitude(bitcast<u32>(meaning)), LARGEST_FINITE_BITS)));
        add_error(errors, x, meaning);
    }
}
