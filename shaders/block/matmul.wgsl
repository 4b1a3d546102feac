// c = a b, or c += a b, with any strides: [m, k] times [k, n]. A transposed matrix is its strides exchanged. The slot `matrix` reads b.
//
// Dispatch: an invocation for 4 x 4 elements of c, m first; ceil(ceil(m/4) ceil(n/4) / LANES) workgroups.
#import block/params
#import matrix

const LANES: u32 = 64u;

@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = (group.y * groups.x + group.x) * LANES + lane;
    let columns = (params.n + 3u) / 4u;
    let row = index / columns * 4u;
    let column = index % columns * 4u;
    if row >= params.m {
        return;
    }
    // Behind an edge the last row or column is taken again, and not written.
    let rows = min(vec4(row) + vec4(0u, 1u, 2u, 3u), vec4(params.m - 1u)) * params.a_row;
    let all = min(vec4(column) + vec4(0u, 1u, 2u, 3u), vec4(params.n - 1u)) * params.b_column;
    var sums = array<vec4<f32>, 4>();
    for (var i = 0u; i < params.k; i++) {
        let at = i * params.a_column;
        let x = vec4(a[rows.x + at], a[rows.y + at], a[rows.z + at], a[rows.w + at]);
        let start = i * params.b_row;
        let y = vec4(matrix_at(all.x + start), matrix_at(all.y + start), matrix_at(all.z + start), matrix_at(all.w + start));
        sums[0] += x.x * y;
        sums[1] += x.y * y;
        sums[2] += x.z * y;
        sums[3] += x.w * y;
    }
    for (var i = 0u; i < min(4u, params.m - row); i++) {
        for (var j = 0u; j < min(4u, params.n - column); j++) {
            let at = (row + i) * params.n + column + j;
            c[at] = select(0.0, c[at], params.add == 1u) + sums[i][j];
        }
    }
}
