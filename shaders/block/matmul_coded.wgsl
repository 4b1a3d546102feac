// c = a b', or c += a b', where b is stored in a format's codes: a [m, k] times [n, k] transposed. The slot `coded` reads b.
//
// Dispatch: a workgroup for 16 rows of b and 4 of a, those of b first. PARTS lanes share four rows of b, whose runs they take in turns, so that
// neighbours read what lies side by side; what a lane reads of a it uses for four rows of b, and the other way round.
#import coded

struct Params {
    m: u32,
    n: u32,
    k: u32,
    add: u32,        // whether the product is added to what is there
    quads: u32,      // RUN_QUADS, said by the host so that compilers keep the loop
    unit_len: u32,   // for slot `coded_scaled`: values that share a scale
    groups: u32,     // units in a row; 0 where all rows share one
    unit_base: u32,  // for slot `zero`: 0, for rows are read from the first on
    zero_first: u32, // 0 likewise
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> c: array<f32>;

const LANES: u32 = 64u;
const PARTS: u32 = 16u;

var<workgroup> partial: array<mat4x4<f32>, LANES>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let tile = group.y * groups.x + group.x;
    let across = (params.n + 15u) / 16u;
    let row = tile % across * 16u + lane / PARTS * 4u;
    let first = tile / across * 4u;
    let part = lane % PARTS;
    var sums = mat4x4<f32>(); // a column for each row of b
    if row < params.n && first < params.m {
        // Behind an edge the last row is taken again, and not written.
        let b_rows = min(vec4(row) + vec4(0u, 1u, 2u, 3u), vec4(params.n - 1u));
        let a_rows = min(vec4(first) + vec4(0u, 1u, 2u, 3u), vec4(params.m - 1u)) * (params.k / 4u);
        for (var run = part; run < params.k / (4u * RUN_QUADS); run += PARTS) {
            add_run(b_rows, run, a_rows, &sums);
        }
    }
    partial[lane] = sums;
    workgroupBarrier();
    // Each of the lanes that share rows adds up one of the sixteen results.
    let b_row = row + part / 4u;
    let a_row = first + part % 4u;
    if b_row < params.n && a_row < params.m {
        var sum = 0.0;
        for (var i = 0u; i < PARTS; i++) {
            sum += partial[lane - part + i][part / 4u][part % 4u];
        }
        let at = a_row * params.n + b_row;
        c[at] = select(0.0, c[at], params.add == 1u) + sum;
    }
}

// A quad of each of four rows of a, which begin at `a_rows`: a vector times this is its products with them.
fn quads_at(a_rows: vec4<u32>, quad: u32) -> mat4x4<f32> {
    let at = a_rows + vec4(quad);
    return mat4x4(a[at.x], a[at.y], a[at.z], a[at.w]);
}
