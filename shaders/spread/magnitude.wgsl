// What symmetric scales need of a unit: its largest magnitude, one word.

struct Spread {
    size: vec4<u32>,
}

fn no_spread() -> Spread {
    return Spread(vec4(0u));
}

fn spread_with(spread: Spread, x: vec4<u32>) -> Spread {
    return Spread(max(spread.size, x & vec4(0x7fffffffu)));
}

fn spread_of_both(a: Spread, b: Spread) -> Spread {
    return Spread(max(a.size, b.size));
}

// Magnitudes: of all values.
fn sizes(spread: Spread) -> vec4<u32> {
    return spread.size;
}

fn merge(unit: u32, spread: Spread) {
    merge_word(unit, spread.size);
}
