// Zero points of 4 bits, z + 8: a word holds those of eight rows of one group.

@group(0) @binding(6) var<storage, read> zero_points: array<u32>; // [ceil(rows / 8), groups]

// The zero point of a unit of the window, counted from the window's first.
fn zero_point(unit: u32) -> i32 {
    let row = (params.unit_base + unit) / params.groups;
    let word = params.zero_first + (params.unit_base + unit) - (row - (row >> 3u)) * params.groups;
    return i32((zero_points[word] >> (4u * (row & 7u))) & 15u) - 8;
}
