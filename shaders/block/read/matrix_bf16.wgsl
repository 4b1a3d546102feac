// The right matrix of a product in BF16, two values a word.
#import lib/bf16_pairs

@group(0) @binding(2) var<storage, read> b: array<u32>;

fn matrix_at(i: u32) -> f32 {
    return widened_of(b[i / 2u], i);
}
