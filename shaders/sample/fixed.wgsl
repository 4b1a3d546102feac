// Depths and weights in fixed point. Twin, with the definitions: src/sample/fixed.rs.
#import lib/wide
#import sample/order

// For a fractional x of 1/256 and of 1/65536: 2^32 2^-x - 2^31, and 2^40 (1 - 2^-x).
@group(0) @binding(10) var<uniform> powers: array<vec4<u32>, 256>;

const BOTTOM: vec2<u32> = vec2<u32>(0xffffffffu, 0xffffffffu);

// log2(e) / temperature: the unit in which logits are counted is 2^unit, depth = drop factor / 2^37.
struct Scale {
    unit: i32,
    factor: vec2<u32>,
}

// A logit counted in units, as sign and magnitude.
struct Fixed {
    magnitude: vec2<u32>,
    negative: bool,
    counted: bool,
    key: u32,
}

fn fixed_of(scale: Scale, key: u32) -> Fixed {
    let bits = bits_of(key);
    let exponent = (bits >> 23u) & 255u;
    let shift = i32(max(exponent, 1u)) - 150 - scale.unit;
    // What is shifted by more than its bits is nothing.
    let mantissa = select((bits & 0x7fffffu) | select(0x800000u, 0u, exponent == 0u), 0u, shift < -23);
    // mantissa 2^40, in the high word, moved down to where it belongs.
    let by = u32(clamp(40 - shift, 0, 63));
    let low = (mantissa << 9u) << (31u - (by & 31u));
    let high = (mantissa << 8u) >> (by & 31u);
    let magnitude = select(vec2(low, high), vec2(high, 0u), by >= 32u);
    return Fixed(magnitude, (bits >> 31u) == 1u, shift <= 40 && key != INFINITE, key);
}

// The next multiple of 2^37 that is not lower.
fn raised(value: Fixed) -> Fixed {
    let up = (value.magnitude.y + select(31u + u32(value.magnitude.x > 0u), 0u, value.negative)) & ~31u;
    return Fixed(vec2(0u, up), value.negative, value.counted, value.key);
}

// The depth of a key under an anchor that is not lower, in 2^-32.
fn depth_of(scale: Scale, anchor: Fixed, key: u32) -> vec2<u32> {
    let lower = fixed_of(scale, key);
    let a = anchor.magnitude;
    let b = lower.magnitude;
    let apart = anchor.negative != lower.negative;
    let sum = add64(a, b);
    let drop = select(sub64(select(a, b, anchor.negative), select(b, a, anchor.negative)), sum, apart);
    let over = apart && less64(sum, a);
    let near = anchor.counted && lower.counted && !over && drop.y < 256u;
    // drop is under 2^40 and factor under 2^36; the lowest word of the product is not needed.
    let f = scale.factor;
    let high = drop.y & 255u;
    let corner = wide_product(drop.x, f.x).y;
    let left = vec2(high * f.x, (high * (f.x >> 16u) + ((high * (f.x & 0xffffu)) >> 16u)) >> 16u);
    let right = vec2(drop.x * f.y, ((drop.x >> 16u) * f.y + (((drop.x & 0xffffu) * f.y) >> 16u)) >> 16u);
    var total = add64(add64(left, right), vec2(corner, high * f.y));
    total = vec2((total.x >> 5u) | (total.y << 27u), total.y >> 5u);
    let equal = !(anchor.counted && lower.counted) && anchor.key == key;
    return select(select(BOTTOM, total, near), vec2(0u), equal);
}

// 2^45 2^-depth.
fn weight_of(depth: vec2<u32>) -> vec2<u32> {
    let part = depth.x;
    let coarse = powers[part >> 24u].x;
    let fine = powers[(part >> 16u) & 255u].y;
    let finest = ((part & 0xffffu) * 45426u) >> 8u;
    let loss = fine + finest - (((fine >> 16u) * (finest >> 8u)) >> 16u);
    let lost = vec2(wide_product(coarse, loss).y + (loss >> 1u), 0u);
    let full = sub64(vec2(coarse << 13u, 4096u + (coarse >> 19u)), vec2(lost.x << 5u, lost.x >> 27u));
    let whole = min(depth.y, 47u);
    let half = right64(left64(vec2(1u, 0u), whole), 1u);
    return select(right64(add64(full, half), whole), vec2(0u), whole == 47u);
}

// The deepest depth whose weight is at least `least`, as (depth, whether there is one).
struct Limit {
    depth: vec2<u32>,
    some: bool,
}

fn depth_of_weight(least: vec2<u32>) -> Limit {
    if all(least == vec2(0u)) {
        return Limit(BOTTOM, true);
    }
    var depth = vec2(0u);
    for (var i = 0u; i < params.depth_bits; i++) {
        let next = depth | left64(vec2(1u, 0u), 37u - i);
        depth = select(next, depth, less64(weight_of(next), least));
    }
    return Limit(depth, !less64(vec2(0u, 8192u), least));
}

// The least mass that is `share` (in 2^-31) of `mass`, or that is more than it.
fn portion(mass: vec2<u32>, share: u32, more: bool) -> vec2<u32> {
    let low = wide_product(mass.x, share);
    let high = add64(wide_product(mass.y, share), vec2(low.y, 0u));
    let whole = vec2((low.x >> 31u) | (high.x << 1u), (high.x >> 31u) | (high.y << 1u));
    return add64(whole, vec2(u32(more || (low.x & 0x7fffffffu) != 0u), 0u));
}
