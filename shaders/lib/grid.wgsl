// Which work belongs to which invocation. A dispatch may be folded into two dimensions (65,535 workgroups each at most).

override WORKGROUP: u32 = 64u;

// Invocation `lane` of a workgroup takes items first + lane * lane_stride + step * step_stride. Neighbouring lanes take
// neighbouring items on a GPU (loads coalesce) and neighbouring steps do on a CPU (a core reads on).
struct Share {
    first: u32,
    lane: u32,
    invocation: u32,
}

fn share(group: vec3<u32>, groups: vec3<u32>, lane: u32, items_per_group: u32, lane_stride: u32) -> Share {
    let index = group.y * groups.x + group.x;
    return Share(index * items_per_group + lane * lane_stride, lane, index * WORKGROUP + lane);
}
