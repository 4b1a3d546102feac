// What is done with values that no number format can hold: counted always, replaced where the policy says so.
#import lib/exact

// The policies: 0 reject (the host looks at the count), 1 saturate, 2 keep.
const KEEP: u32 = 2u;

@group(0) @binding(2) var<storage, read_write> status: array<atomic<u32>>; // [dispatches, 2]: count, ~index of the first

// NaN becomes 0, an infinity the largest finite number of its sign.
fn finite(x: vec4<u32>) -> vec4<u32> {
    return held(x, INFINITY_BITS, LARGEST_FINITE_BITS);
}

// NaN becomes 0, what is not under `overflow` becomes `largest`, with its sign.
fn held(x: vec4<u32>, overflow: u32, largest: u32) -> vec4<u32> {
    let size = x & vec4(0x7fffffffu);
    let saturated = (x & vec4(0x80000000u)) | select(size, vec4(largest), size >= vec4(overflow));
    return select(saturated, vec4(0u), size > vec4(INFINITY_BITS));
}

// Notes the values among x, of which `count` are valid and the first is number `index` of the dispatch, that are NaN or not under
// `overflow`.
fn note_non_finite(slot: u32, index: u32, count: u32, x: vec4<u32>, overflow: u32) {
    let bad = select(vec4(0u), vec4(1u, 2u, 4u, 8u), (x & vec4(0x7fffffffu)) >= vec4(overflow));
    let mask = (bad.x | bad.y | bad.z | bad.w) & ((1u << min(count, 4u)) - 1u);
    if mask != 0u {
        atomicAdd(&status[2u * slot], countOneBits(mask));
        // The complement, because the words begin as 0 and the smallest index is wanted.
        atomicMax(&status[2u * slot + 1u], ~(index + firstTrailingBit(mask)));
    }
}
