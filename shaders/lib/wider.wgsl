// Integers of 128 bits as four words, the lowest first: what sums of squares and of weighted depths need, once a row.
#import lib/wide

fn add128(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    let low = add64(a.xy, b.xy);
    let high = add64(a.zw, b.zw);
    return vec4(low, add64(high, vec2(u32(less64(low, a.xy)), 0u)));
}

fn sub128(a: vec4<u32>, b: vec4<u32>) -> vec4<u32> {
    return vec4(sub64(a.xy, b.xy), sub64(sub64(a.zw, b.zw), vec2(u32(less64(a.xy, b.xy)), 0u)));
}

fn less128(a: vec4<u32>, b: vec4<u32>) -> bool {
    return less64(a.zw, b.zw) || (all(a.zw == b.zw) && less64(a.xy, b.xy));
}

fn product128(a: vec2<u32>, b: vec2<u32>) -> vec4<u32> {
    let middle = add128(vec4(0u, wide_product(a.x, b.y), 0u), vec4(0u, wide_product(a.y, b.x), 0u));
    return add128(vec4(wide_product(a.x, b.x), wide_product(a.y, b.y)), middle);
}

// a << by, by under 128.
fn left128(a: vec4<u32>, by: u32) -> vec4<u32> {
    if by >= 64u {
        return vec4(0u, 0u, left64(a.xy, by - 64u));
    }
    let carried = select(right64(a.xy, 64u - max(by, 1u)), vec2(0u), by == 0u);
    return vec4(left64(a.xy, by), left64(a.zw, by) | carried);
}

// a >> by, by under 128.
fn right128(a: vec4<u32>, by: u32) -> vec4<u32> {
    if by >= 64u {
        return vec4(right64(a.zw, by - 64u), 0u, 0u);
    }
    let carried = select(left64(a.zw, 64u - max(by, 1u)), vec2(0u), by == 0u);
    return vec4(right64(a.xy, by) | carried, right64(a.zw, by));
}

fn leading_zeros128(a: vec4<u32>) -> u32 {
    var zeros = countLeadingZeros(a.w);
    zeros += select(0u, countLeadingZeros(a.z), zeros == 32u);
    zeros += select(0u, countLeadingZeros(a.y), zeros == 64u);
    return zeros + select(0u, countLeadingZeros(a.x), zeros == 96u);
}

// floor(a / b) for b in [1, 2^63), the quotient under 2^64.
fn quotient128(a: vec4<u32>, b: vec2<u32>) -> vec2<u32> {
    var rest = vec2(0u);
    var digits = vec2(0u);
    var value = a;
    for (var i = 0u; i < 128u; i++) {
        rest = left64(rest, 1u) | vec2(value.w >> 31u, 0u);
        value = left128(value, 1u);
        let fits = !less64(rest, b);
        rest = select(rest, sub64(rest, b), fits);
        digits = left64(digits, 1u) | vec2(u32(fits), 0u);
    }
    return digits;
}

// floor(sqrt(a)), bit by bit.
fn root128(a: vec4<u32>) -> vec2<u32> {
    var root = vec2(0u);
    for (var i = 0u; i < 64u; i++) {
        let next = root | left64(vec2(1u, 0u), 63u - i);
        root = select(next, root, less128(a, product128(next, next)));
    }
    return root;
}
