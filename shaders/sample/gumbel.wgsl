// Gumbel noise in fixed point. Twin, with the definition: src/sample/gumbel.rs.
#import lib/philox
#import sample/params
#import lib/wide

// For log2(1 + i/256) and for log2(-ln(1 - v) / v), v = i/512: value, and rise << 12 | bulge, in 2^-24.
@group(0) @binding(11) var<uniform> logarithms: array<vec4<u32>, 256>;

const LOG2_LOG2_E: u32 = 8871228u;
// Keeps scores positive: the deepest depth is under 2^7.
const SCORE_BASE: u32 = 256u;

fn along(part: u32, rise: u32, bulge: i32) -> u32 {
    let t = part >> 8u;
    let slope = u32(i32(rise) + ((bulge * (0x8000 - i32(t))) >> 15u));
    return (slope * t + (((slope >> 4u) * (part & 0xffu)) >> 4u)) >> 15u;
}

// (leading zeros, logarithm of what is left as a number in [1, 2))
fn log2_of(value: vec2<u32>) -> vec2<u32> {
    let zeros = select(countLeadingZeros(value.y), 32u + countLeadingZeros(value.x), value.y == 0u);
    let mantissa = left64(value, min(zeros, 63u)).y;
    let entry = logarithms[(mantissa >> 23u) & 255u];
    return vec2(zeros, entry.x + along(mantissa & 0x7fffffu, entry.y >> 12u, i32(entry.y & 0xfffu)));
}

// The noise of 64 random bits, in 2^-24, as the word of an i32.
fn gumbel(random: vec2<u32>) -> u32 {
    let bits = select(random, vec2(max(random.x, 1u << 23u), 0u), random.y == 0u);
    let deep = bits.y < 0x80000000u;
    let log = log2_of(select(vec2(~bits.x | 1u, ~bits.y), bits, deep));
    let rest = ((log.x + 1u) << 24u) - log.y;
    // The ratio where v is small, the logarithm of the logarithm where it is not: one entry of the table either way.
    let zeros = countLeadingZeros(rest);
    let mantissa = rest << min(zeros, 31u);
    let entry = logarithms[select((mantissa >> 23u) & 255u, (bits.y >> 23u) & 255u, deep)];
    let first = select(entry.x, entry.z, deep);
    let shape = select(entry.y, entry.w, deep);
    let bulge = i32(shape & 0xfffu);
    let part = select(mantissa, bits.y, deep) & 0x7fffffu;
    let value = first + along(part, shape >> 12u, select(bulge, -bulge, deep));
    return select((zeros << 24u) - (7u << 24u) - value, rest - value - LOG2_LOG2_E, deep);
}

// The 64 random bits of a token: words 2 (id & 1) and the next of the counter (id / 2, position, stream).
fn bits_of_token(stream: Stream, id: u32) -> vec2<u32> {
    let words = philox_turns(vec4(id >> 1u, stream.position, stream.number), stream.seed, params.ten);
    return select(words.yx, words.wz, (id & 1u) == 1u);
}

struct Stream {
    seed: vec2<u32>,
    position: vec2<u32>,
    number: u32,
}

// Noise less depth, in 2^-32, shifted up so that it is positive; higher wins.
fn score_of(random: vec2<u32>, depth: vec2<u32>) -> vec2<u32> {
    let noise = gumbel(random);
    let wide = vec2(noise << 8u, u32(bitcast<i32>(noise) >> 24u) + SCORE_BASE);
    return sub64(wide, depth);
}
