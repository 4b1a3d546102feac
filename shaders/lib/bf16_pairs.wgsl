// Pairs of BF16 in a word.

// The value of an element, of which the word that holds it is given.
fn widened_of(word: u32, element: u32) -> f32 {
    return bitcast<f32>((word >> (16u * (element & 1u))) << 16u);
}

fn widened_pair(word: u32) -> vec2<f32> {
    return bitcast<vec2<f32>>(vec2(word << 16u, word & 0xffff0000u));
}

// To the nearest, ties to even; NaN stays NaN.
fn nearest_pair(values: vec2<f32>) -> u32 {
    let bits = bitcast<vec2<u32>>(values);
    let near = bits + 0x7fffu + ((bits >> vec2(16u)) & vec2(1u));
    let nan = (bits & vec2(0x7fffffffu)) > vec2(0x7f800000u);
    let halves = select(near, bits | vec2(0x400000u), nan) >> vec2(16u);
    return halves.x | (halves.y << 16u);
}

// Up with the probability that the part cut off has: `random` holds 16 bits for each.
fn stochastic_pair(values: vec2<f32>, random: u32) -> u32 {
    let bits = bitcast<vec2<u32>>(values);
    let nan = (bits & vec2(0x7fffffffu)) > vec2(0x7f800000u);
    let halves = select(bits + vec2(random & 0xffffu, random >> 16u), bits, nan) >> vec2(16u);
    return halves.x | (halves.y << 16u);
}
