// What stages ask of the sums of a survey: a mean, a deviation. Once a row, in wide integers.
#import sample/survey

// The mean depth under the softmax of the survivors in 2^-26, or so many deviations (2^-16) in the units of drops; whichever the plan was
// about.
fn mean_or_deviation(plan: Plan, deviations: u32) -> vec2<u32> {
    let count = survey.count;
    // count^2 variance, shifted up by an even number so that its root has 62 or 63 bits.
    let squares = add128(product128(survey.two.xy, vec2(count, 0u)), vec4(0u, 0u, wide_product(survey.two.z, count)));
    let variance = sub128(squares, product128(survey.one.xy, survey.one.xy));
    let shift = min((max(leading_zeros128(variance), 2u) - 2u) & ~1u, 126u);
    let product = product128(root128(left128(variance, shift)), vec2(deviations, 0u));
    let near = plan.what == DROPS;
    let above = select(survey.one, right128(product, shift / 2u + 16u), near);
    let below = select(survey.two.xy, vec2(count, 0u), near);
    return select(quotient128(above, below), vec2(0u), all(below == vec2(0u)));
}

// The lowest key whose drop is not beyond the furthest.
fn key_within(plan: Plan, furthest: vec2<u32>) -> u32 {
    if survey.high == INFINITE {
        return INFINITE;
    }
    // The highest key that is refused, bit by bit.
    var refused = 0u;
    for (var i = 0u; i < params.key_bits; i++) {
        let key = refused | (1u << (31u - i));
        let drop = coarse_of(plan.top, plan.unit) - coarse_of(key, plan.unit);
        let far = less64(furthest, vec2(drop, 0u));
        refused = select(refused, key, key < survey.low || (key <= survey.high && far));
    }
    return refused + 1u;
}
