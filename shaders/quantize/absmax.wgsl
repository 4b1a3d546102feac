// The largest magnitude of each unit (a row, a group or the whole tensor) of a window, as the bits of a positive F32.
//
// Shapes: source [elements] -> units [units], merged by maximum: a unit may span windows and dispatches. Bits of positive floats
// order like integers, so the maximum needs no float, and no order of the invocations shows.
// Dispatch: an invocation takes `steps` runs of RUN elements.
#import source
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
    for (var step = 0u; step < params.steps; step++) {
        let first = (mine.first + step * params.step_stride) * (4u * params.run_quads);
        if first < params.elements {
            run_maximum(first);
        }
    }
}

fn run_maximum(first: u32) {
    var unit = params.unit_first + (params.position + first) / params.unit_len;
    var position = (params.position + first) % params.unit_len;
    var largest = vec4(0u);
    for (var q = 0u; q < params.run_quads; q++) {
        let index = first + 4u * q;
        if index >= params.elements {
            break;
        }
        var x = source_quad(params.source_first + (index >> 2u));
        if index + 4u > params.elements {
            x = select(vec4(0u), x, vec4(index) + vec4(0u, 1u, 2u, 3u) < vec4(params.elements));
        }
        var size = x & vec4(0x7fffffffu);
        if any(size >= vec4(INFINITY_BITS)) {
            note_non_finite(params.slot, index, x);
            size = finite(x) & vec4(0x7fffffffu);
        }
        if position + 4u < params.unit_len {
            largest = max(largest, size);
            position += 4u;
        } else {
            // A unit ends within this quad or with it.
            for (var i = 0u; i < 4u; i++) {
                largest.x = max(largest.x, size[i]);
                position++;
                if position == params.unit_len {
                    merge(unit, largest);
                    largest = vec4(0u);
                    unit++;
                    position = 0u;
                }
            }
        }
    }
    merge(unit, largest);
}

fn merge(unit: u32, largest: vec4<u32>) {
    let top = max(max(largest.x, largest.y), max(largest.z, largest.w));
    if top != 0u {
        atomicMax(&units[unit], top);
    }
}
