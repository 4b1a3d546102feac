// F16: IEEE binary16, rounded to nearest even.
// Source: IEEE 754 round to nearest even; a NaN keeps its sign and upper payload and is made quiet, as `half` does.
#import lib/plain

const OVERFLOW: u32 = 0x477ff000u; // magnitudes from here on the format cannot hold: 65520
const LARGEST: u32 = 0x477fe000u;  // 65504
const INFINITE: u32 = 0x7c00u;

fn nearest(x: vec4<u32>) -> vec4<u32> {
    let size = x & vec4(0x7fffffffu);
    // Normal: drop 13 bits, and turn the bias of 127 into 15.
    let normal = (size + vec4(0xfffu) + ((size >> vec4(13u)) & vec4(1u)) - vec4(0x38000000u)) >> vec4(13u);
    // Subnormal: units of 2^-24.
    let mantissa = (size & vec4(0x7fffffu)) | vec4(0x800000u);
    let drop = vec4(126u) - clamp(size >> vec4(23u), vec4(96u), vec4(125u));
    let odd = (mantissa >> drop) & vec4(1u);
    let small = (mantissa + (vec4(1u) << (drop - vec4(1u))) - vec4(1u) + odd) >> drop;
    let large = select(vec4(0x7c00u), vec4(0x7e00u) | ((size >> vec4(13u)) & vec4(0x3ffu)), size > vec4(INFINITY_BITS));
    let code = select(select(normal, small, size < vec4(0x38800000u)), large, size >= vec4(0x477ff000u));
    return code | ((x >> vec4(16u)) & vec4(0x8000u));
}

fn widened(half: vec4<u32>) -> vec4<u32> {
    return vec4(signed_half(half.x), signed_half(half.y), signed_half(half.z), signed_half(half.w));
}
