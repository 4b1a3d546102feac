// Arithmetic of IEEE binary32, round to nearest even, done in integers.
//
// WGSL fixes no rounding mode, lets division be 2.5 ULP off, lets subnormals be flushed and drivers reassociate; none of that
// touches integers. Every number here is the bit pattern of a finite f32 unless said otherwise; the results are the bits that an
// IEEE processor gives. Source of the method: IEEE 754-2019 section 4.3.1; long division base 256.
#import lib/product

const INFINITY_BITS: u32 = 0x7f800000u;
const LARGEST_FINITE_BITS: u32 = 0x7f7fffffu;

// A positive number as mantissa * 2^exponent, the mantissa in [2^23, 2^24); zero has mantissa 0.
struct Parts {
    mantissa: u32,
    exponent: i32,
}

fn magnitude(bits: u32) -> u32 {
    return bits & 0x7fffffffu;
}

fn parts(bits: u32) -> Parts {
    let biased = (bits >> 23u) & 0xffu;
    let fraction = bits & 0x7fffffu;
    if biased != 0u {
        return Parts(fraction | 0x800000u, i32(biased) - 150);
    }
    // A subnormal is shifted up until its leading one stands where a normal number has it.
    let shift = countLeadingZeros(fraction) - 8u;
    return Parts(select(fraction << shift, 0u, fraction == 0u), -149 - i32(shift));
}

// The f32 nearest to (value + sticky) * 2^exponent, 0 <= sticky < 1, where `sticky` says only whether it is above 0.
// Overflow gives infinity. With `sticky` the value must have at least 25 significant bits.
fn rounded(value: u32, sticky: bool, exponent: i32) -> u32 {
    if value == 0u {
        return 0u;
    }
    let top = 31 - i32(countLeadingZeros(value)) + exponent;
    let drop = max(top - 23, -149) - exponent;
    var mantissa = value;
    if drop > 32 {
        mantissa = 0u;
    } else if drop > 0 {
        let half = 1u << u32(drop - 1);
        // Two shifts, because a shift by 32 is no shift in WGSL.
        mantissa = (value >> u32(drop - 1)) >> 1u;
        let rest = value & (half | (half - 1u));
        mantissa += u32(rest > half || (rest == half && (sticky || (mantissa & 1u) == 1u)));
    } else {
        mantissa = value << u32(-drop);
    }
    if top > 127 {
        return INFINITY_BITS;
    }
    // The leading one of a normal number adds 1 to the exponent field; a carry out of the rounding lands there too.
    return mantissa + (u32(max(top + 126, 0)) << 23u);
}

// The next `width` bits of a quotient, and the remainder: rest * 2^width = digit * divisor + new rest, modulo 2^32, which is
// exact because both remainders are under 2^24.
fn next_digit(rest: u32, divisor: u32, width: u32, inverse: f32) -> vec2<u32> {
    var digit = u32(f32(rest) * f32(1u << width) * inverse);
    var left = bitcast<i32>((rest << width) - digit * divisor);
    let under = left < 0;
    digit -= u32(under);
    left += select(0, bitcast<i32>(divisor), under);
    let over = left >= bitcast<i32>(divisor);
    digit += u32(over);
    left -= select(0, bitcast<i32>(divisor), over);
    return vec2(digit, bitcast<u32>(left));
}

// a / b for positive a and b; b = 0 gives infinity.
fn quotient(a: u32, b: u32) -> u32 {
    let n = parts(a);
    let d = parts(b);
    if n.mantissa == 0u {
        return 0u;
    }
    if d.mantissa == 0u {
        return INFINITY_BITS;
    }
    // A float proposes each digit to within one, the remainder corrects it: processors divide floats in vectors, integers singly.
    let inverse = 1.0 / f32(d.mantissa);
    let whole = u32(n.mantissa >= d.mantissa);
    let high = next_digit(n.mantissa - whole * d.mantissa, d.mantissa, 14u, inverse);
    let low = next_digit(high.y, d.mantissa, 13u, inverse);
    let digits = (whole << 27u) | (high.x << 13u) | low.x;
    let rest = low.y;
    return rounded(digits, rest != 0u, n.exponent - d.exponent - 27);
}

// a / divisor for positive a and a literal divisor from 1 to 128: compilers turn that division into a product.
fn quotient_by(a: u32, divisor: u32) -> u32 {
    let n = parts(a);
    // 32 bits over 7 leave 25 at least: the 24 of the result and the one that rounds.
    let wide = n.mantissa << 8u;
    let digits = wide / divisor;
    return rounded(digits, digits * divisor != wide, n.exponent - 8);
}

// a * b for positive a and b.
fn product(a: u32, b: u32) -> u32 {
    let x = parts(a);
    let y = parts(b);
    // 24 by 24 bits make 47 or 48; the upper 31 or 32 and one sticky bit are enough.
    let wide = wide_product(x.mantissa, y.mantissa);
    return rounded((wide.y << 16u) | (wide.x >> 16u), (wide.x & 0xffffu) != 0u, x.exponent + y.exponent + 16);
}

// a - b for a >= b, of any signs.
fn difference(a: u32, b: u32) -> u32 {
    let p = parts(max(magnitude(a), magnitude(b)));
    let q = parts(min(magnitude(a), magnitude(b)));
    let shift = u32(min(p.exponent - q.exponent, 31));
    let wide = q.mantissa << 7u;
    let part = wide >> shift;
    let sticky = (part << shift) != wide;
    let sum = (p.mantissa << 7u) + part;
    let rest = (p.mantissa << 7u) - part - u32(sticky);
    return rounded(select(rest, sum, ((a ^ b) >> 31u) == 1u), sticky, p.exponent - 7);
}

// The integer nearest to q + zero, the sum of a float (any sign) and a small integer rounded to f32 first, a tie going to the even
// one. What is beyond 2^20 is taken for that.
fn nearest_sum(q: u32, zero: i32) -> i32 {
    let most = 0x49800000u;
    let a = min(magnitude(q), most) | (q & 0x80000000u);
    let b = bitcast<u32>(f32(-zero));
    let up = ordered_bits(a) >= ordered_bits(b);
    let size = i32(nearest_even(difference(select(b, a, up), select(a, b, up))));
    return select(-size, size, up);
}

// A signed integer in the order of the floats.
fn ordered_bits(bits: u32) -> i32 {
    let i = bitcast<i32>(bits);
    return i ^ ((i >> 31u) & 0x7fffffff);
}

// trunc(twice / 2 + p), or - p, the sum rounded to f32 first; p is positive, twice / 2 + p under 2^5 and the sum not negative.
fn truncated_sum(twice: u32, p: u32, minus: bool) -> u32 {
    let a = parts(p);
    // Units of 2^-26: 26 bits for one half.
    let left = u32(clamp(a.exponent + 26, 0, 7));
    let right = u32(clamp(-26 - a.exponent, 0, 31));
    let part = (a.mantissa << left) >> right;
    let sticky = (part << right) >> left != a.mantissa;
    let value = (twice << 25u) + select(part, 0u - part - u32(sticky), minus);
    return whole(rounded(value, sticky, -26));
}

// The integer part of a positive f32 under 2^24.
fn whole(bits: u32) -> u32 {
    let drop = 150u - min(bits >> 23u, 150u);
    return ((bits & 0x7fffffu) | 0x800000u) >> min(drop, 24u);
}

// The integer nearest to a positive f32 under 2^23, a tie going to the even one.
fn nearest_even(bits: u32) -> u32 {
    let drop = 150u - min(bits >> 23u, 150u);
    if drop > 24u {
        return 0u;
    }
    let mantissa = (bits & 0x7fffffu) | 0x800000u;
    let whole = mantissa >> drop;
    let rest = (mantissa & ((1u << drop) - 1u)) << 1u;
    let one = 1u << drop;
    return whole + u32(rest > one || (rest == one && (whole & 1u) == 1u));
}

// The integer nearest to a positive f32 under 2^23, a tie going away from zero (C's roundf).
fn nearest_away(bits: u32) -> u32 {
    let twice = ((bits & 0x7fffffu) | 0x800000u) >> min(149u - min(bits >> 23u, 149u), 31u);
    return (twice + 1u) >> 1u;
}

// The f16 nearest to a positive f32, ties to even, overflow to infinity.
fn half_bits(bits: u32) -> u32 {
    if bits >= 0x477ff000u {
        return 0x7c00u;
    }
    if bits >= 0x38800000u {
        // Normal: drop 13 bits, and turn the bias of 127 into 15.
        return (bits + 0xfffu + ((bits >> 13u) & 1u) - 0x38000000u) >> 13u;
    }
    let p = parts(bits);
    // Subnormal: units of 2^-24.
    let drop = u32(min(-24 - p.exponent, 31));
    let rest = p.mantissa & ((1u << drop) - 1u);
    let half = 1u << (drop - 1u);
    let whole = p.mantissa >> drop;
    return whole + u32(rest > half || (rest == half && (whole & 1u) == 1u));
}

// The f32 equal to a positive f16; infinity stays infinity, a NaN is made quiet.
fn widened_half(half: u32) -> u32 {
    let fraction = half & 0x3ffu;
    // A number under 2^10 times 2^-24, both normal: no device rounds that.
    let small = bitcast<u32>(f32(fraction) * 5.9604644775390625e-8);
    let large = INFINITY_BITS | (fraction << 13u) | select(0u, 0x400000u, fraction != 0u);
    let other = select((half << 13u) + 0x38000000u, large, half >= 0x7c00u);
    return select(other, small, half < 0x400u);
}

// The f32 equal to an f16 in the lower half of a word, with its sign.
fn signed_half(half: u32) -> u32 {
    return widened_half(half & 0x7fffu) | ((half & 0x8000u) << 16u);
}
