// The total order of a row's tokens: logit down, then token id up. Twin: src/sample/order.rs.

const EXCLUDED: u32 = 0u;
const NEGATIVE_INFINITY: u32 = 0xff800000u;
const LOWEST: u32 = 0x00800000u;
const INFINITE: u32 = 0xff800000u;
const NO_TOKEN: u32 = 0xffffffffu;
const MOST_IDS: u32 = 0xfffffu;

// Words that order as F32 numbers do, negative zero before zero; NaN are beyond both ends.
fn flipped4(bits: vec4<u32>) -> vec4<u32> {
    return bits ^ (bitcast<vec4<u32>>(bitcast<vec4<i32>>(bits) >> vec4(31u)) | vec4(0x80000000u));
}

// Words that order as F32 logits do; NaN and negative infinity are EXCLUDED, both zeros are one.
fn keys_of(bits: vec4<u32>) -> vec4<u32> {
    let size = bits & vec4(0x7fffffffu);
    let zeros = select(flipped4(bits), vec4(0x80000000u), size == vec4(0u));
    return select(zeros, vec4(EXCLUDED), (size > vec4(0x7f800000u)) | (bits == vec4(0xff800000u)));
}

fn bits_of(key: u32) -> u32 {
    return select(~key, key & 0x7fffffffu, (key >> 31u) == 1u);
}

// Whether (key, id) stands at the cut or before it.
fn before(key: u32, id: u32, cut_key: u32, cut_id: u32) -> bool {
    return key > cut_key || (key == cut_key && id <= cut_id);
}

fn is_nan(bits: vec4<u32>) -> vec4<bool> {
    return (bits & vec4(0x7fffffffu)) > vec4(0x7f800000u);
}
