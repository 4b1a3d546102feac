// A row's program: its parameters as integers. Words are called by the names of the host's fields (src/sample/program.rs), which
// checks their places.
#import sample/params

const LIST_LEN: u32 = 0u;     // best tokens that are looked at first, 1 to 256
const STAGE_COUNT: u32 = 1u;
const MIN_KEEP: u32 = 2u;
const DRAWS: u32 = 3u;
const SEED: u32 = 4u;
const STREAM: u32 = 6u;
const NEEDS_MASS: u32 = 7u;   // 1: the list needs the mass of all candidates; 2: a stage takes a share of that
const FILTER_UNIT: u32 = 8u;
const FILTER_FACTOR: u32 = 9u;
const FILTER_RATE: u32 = 11u; // log2(e) / temperature, as a float
const DRAW_UNIT: u32 = 12u;
const DRAW_FACTOR: u32 = 13u;
const DRAW_RATE: u32 = 15u;
const STAGES: u32 = 16u;      // seven of them: what it is, and its two values
const STAGE_WORDS: u32 = 3u;
const REPETITION: u32 = 37u;  // floats
const FREQUENCY: u32 = 38u;
const PRESENCE: u32 = 39u;
const REPETITION_SCOPE: u32 = 40u;
const PRESENCE_SCOPE: u32 = 41u;
const BIAS_COUNT: u32 = 42u;
const MASKED: u32 = 43u;
const PROGRAM_WORDS: u32 = 44u;

// Programs [rows, PROGRAM_WORDS].
@group(0) @binding(5) var<storage, read> programs: array<u32>;
// The rows of a window in the order in which kernels take them.
@group(0) @binding(3) var<uniform> row_list: array<vec4<u32>, 1024>;

fn listed_row(index: u32) -> u32 {
    let at = params.list_first + index;
    return row_list[(at >> 2u) & 1023u][at & 3u];
}

// Which of a dispatch's rows a workgroup works on, and on which part of it.
struct Place {
    row: u32,
    slice: u32,
}

// A dispatch is folded into two dimensions; an indirect one has a dimension for each, because not every device tells it how many
// workgroups it has.
fn place_of(group: vec3<u32>, groups: vec3<u32>) -> Place {
    if params.pending == 1u {
        return Place(group.y, group.x);
    }
    let index = group.y * groups.x + group.x;
    return Place(index / params.slices, index % params.slices);
}
