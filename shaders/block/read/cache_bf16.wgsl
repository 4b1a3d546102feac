// Keys and values in BF16, two a word.
#import lib/bf16_pairs

@group(0) @binding(2) var<storage, read> k: array<u32>;
@group(0) @binding(3) var<storage, read> v: array<u32>;

fn key_value(i: u32) -> f32 {
    return widened_of(k[i / 2u], i);
}

fn value_value(i: u32) -> f32 {
    return widened_of(v[i / 2u], i);
}
