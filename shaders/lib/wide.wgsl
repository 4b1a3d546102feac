// Integers of 64 bits as (low, high), and of 128 as four words, the lowest first.
#import lib/product

fn add64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let low = a.x + b.x;
    return vec2(low, a.y + b.y + u32(low < a.x));
}

fn sub64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2(a.x - b.x, a.y - b.y - u32(a.x < b.x));
}

fn less64(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y < b.y || (a.y == b.y && a.x < b.x);
}

fn min64(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return select(b, a, less64(a, b));
}

// a >> by, by under 64.
fn right64(a: vec2<u32>, by: u32) -> vec2<u32> {
    let part = by & 31u;
    // Two shifts, because a shift by 32 is no shift in WGSL.
    let low = (a.x >> part) | ((a.y << 1u) << (31u - part));
    let high = a.y >> part;
    return select(vec2(low, high), vec2(high, 0u), by >= 32u);
}

// a << by, by under 64.
fn left64(a: vec2<u32>, by: u32) -> vec2<u32> {
    let part = by & 31u;
    let high = (a.y << part) | ((a.x >> 1u) >> (31u - part));
    let low = a.x << part;
    return select(vec2(low, high), vec2(0u, low), by >= 32u);
}
