// The weight of a normalization in BF16, two values a word.
#import lib/bf16_pairs

@group(0) @binding(2) var<storage, read> weight: array<u32>;

fn scale_at(i: u32) -> f32 {
    return widened_of(weight[i / 2u], i);
}
