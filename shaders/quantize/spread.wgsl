// How far the values of each unit (a row, a group or the whole tensor) of a window spread, as the bits of positive F32.
//
// Shapes: source [elements] -> units [units, 1 or 2 words], merged by maximum: a unit may span windows and dispatches. Bits of positive
// floats order like integers, so the maximum needs no float, and no order of the invocations shows. What is kept of a unit is in slot
// `spread`. Dispatch: an invocation takes `steps` runs of RUN elements.
#import source
#import spread
#import lib/grid
#import lib/finite

struct Params {
    elements: u32,     // in this window
    source_first: u32, // the quad of `source` at which the window begins
    unit_len: u32,
    unit_first: u32,   // the unit, within the binding, of the window's first element
    position: u32,     // of that element within its unit
    runs_per_group: u32,
    steps: u32,
    lane_stride: u32,
    step_stride: u32,
    run_quads: u32,
    slot: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> units: array<atomic<u32>>;

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let mine = share(group, groups, lane, params.runs_per_group, params.lane_stride);
    // The unit in hand, and its spread so far; runs of one unit that follow each other are merged into it once.
    var unit = 0xffffffffu;
    var spread = no_spread();
    var careful = 0u; // bit i: the i-th run of this invocation
    for (var step = 0u; step < params.steps; step++) {
        let first = (mine.first + step * params.step_stride) * (4u * params.run_quads);
        if first >= params.elements {
            break;
        }
        let at = params.position + first;
        let here = params.unit_first + at / params.unit_len;
        var run = no_spread();
        let whole = at % params.unit_len + 4u * params.run_quads <= params.unit_len && first + 4u * params.run_quads <= params.elements;
        for (var q = 0u; whole && q < params.run_quads; q++) {
            run = spread_with(run, source_quad(params.source_first + (first >> 2u) + q));
        }
        if !whole || any(sizes(run) >= vec4(INFINITY_BITS)) {
            careful |= 1u << step;
            continue;
        }
        if here != unit {
            merge(unit, spread);
            unit = here;
            spread = no_spread();
        }
        spread = spread_of_both(spread, run);
    }
    merge(unit, spread);
    // Put off to here, and seldom needed: processors run both sides of a branch for all lanes.
    for (; careful != 0u; careful &= careful - 1u) {
        careful_run((mine.first + firstTrailingBit(careful) * params.step_stride) * (4u * params.run_quads));
    }
}

// A run that holds several units, the tensor's end, or values that are not finite.
fn careful_run(first: u32) {
    for (var q = 0u; q < params.run_quads; q++) {
        let index = first + 4u * q;
        if index >= params.elements {
            break;
        }
        let inside = vec4(index) + vec4(0u, 1u, 2u, 3u) < vec4(params.elements);
        let x = select(vec4(0u), source_quad(params.source_first + (index >> 2u)), inside);
        note_non_finite(params.slot, index, 4u, x, INFINITY_BITS);
        let clean = finite(x);
        for (var i = 0u; i < 4u; i++) {
            merge(params.unit_first + (params.position + index + i) / params.unit_len, spread_with(no_spread(), vec4(clean[i])));
        }
    }
}

fn merge_word(word: u32, largest: vec4<u32>) {
    let top = max(max(largest.x, largest.y), max(largest.z, largest.w));
    // Looked at first: where all share one unit, few still raise it.
    if top != 0u && top > atomicLoad(&units[word]) {
        atomicMax(&units[word], top);
    }
}
