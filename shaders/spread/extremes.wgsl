// What asymmetric scales need of a unit: its largest value and the magnitude of its smallest, 0 at least, two words.

struct Spread {
    above: vec4<u32>,
    below: vec4<u32>,
}

fn no_spread() -> Spread {
    return Spread(vec4(0u), vec4(0u));
}

fn spread_with(spread: Spread, x: vec4<u32>) -> Spread {
    let size = x & vec4(0x7fffffffu);
    let negative = x >= vec4(0x80000000u);
    return Spread(max(spread.above, select(size, vec4(0u), negative)), max(spread.below, select(vec4(0u), size, negative)));
}

fn spread_of_both(a: Spread, b: Spread) -> Spread {
    return Spread(max(a.above, b.above), max(a.below, b.below));
}

// Magnitudes: of all values.
fn sizes(spread: Spread) -> vec4<u32> {
    return max(spread.above, spread.below);
}

fn merge(unit: u32, spread: Spread) {
    merge_word(2u * unit, spread.above);
    merge_word(2u * unit + 1u, spread.below);
}
