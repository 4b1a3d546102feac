// The 64-bit product of two numbers under 2^32, as (low, high), where the device has integers of 64 bits.
fn wide_product(a: u32, b: u32) -> vec2<u32> {
    let product = u64(a) * u64(b);
    return vec2(u32(product & 0xfffffffflu), u32(product >> 32u));
}
