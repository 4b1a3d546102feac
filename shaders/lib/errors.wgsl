// What quantization cost, summed beside the work: squared error, squared values, the worst error, counts.
//
// Sums are kept in units of 2^exponent, a power of two near the largest value seen, so that neither large nor small tensors
// overflow or vanish in f32. An adapter that flushes subnormals takes values under 2^-126 for zero here.

struct Errors {
    squared_error: f32, // in 2^(2 exponent)
    squared: f32,       // in 2^(2 exponent)
    worst: f32,         // in 2^exponent
    exponent: i32,
    clipped: u32,       // values beyond the format's range
    zeroed: u32,        // values other than zero whose code means zero
}

const LEAST_EXPONENT: i32 = -100;

fn no_errors() -> Errors {
    return Errors(0.0, 0.0, 0.0, LEAST_EXPONENT, 0u, 0u);
}

fn power_of_two(exponent: i32) -> f32 {
    return bitcast<f32>(u32(clamp(exponent + 127, 1, 254)) << 23u);
}

// Makes room for values up to about `largest` (the bits of a positive f32).
fn expect_errors(errors: ptr<function, Errors>, largest: u32) {
    let exponent = clamp(i32(largest >> 23u) - 127, LEAST_EXPONENT, 126);
    if exponent > (*errors).exponent {
        let shrink = power_of_two((*errors).exponent - exponent);
        (*errors).squared_error *= shrink * shrink;
        (*errors).squared *= shrink * shrink;
        (*errors).worst *= shrink;
        (*errors).exponent = exponent;
    }
}

// Adds four finite values (bits) and what their codes mean. A meaning that is not finite is counted, for it would drown the sums.
fn add_errors(errors: ptr<function, Errors>, x: vec4<u32>, decoded: vec4<f32>) {
    let unit = power_of_two(-(*errors).exponent);
    let value = bitcast<vec4<f32>>(x) * unit;
    let lost = (bitcast<vec4<u32>>(decoded) & vec4(0x7fffffffu)) >= vec4(0x7f800000u);
    let error = select(abs(value - decoded * unit), vec4(0.0), lost);
    let clipped = select(vec4(0u), vec4(1u), lost);
    (*errors).clipped += (clipped.x + clipped.y) + (clipped.z + clipped.w);
    let squared_error = error * error;
    let squared = value * value;
    (*errors).squared_error += (squared_error.x + squared_error.y) + (squared_error.z + squared_error.w);
    (*errors).squared += (squared.x + squared.y) + (squared.z + squared.w);
    (*errors).worst = max((*errors).worst, max(max(error.x, error.y), max(error.z, error.w)));
}

// Counts the values other than zero among x (bits) whose code means zero.
fn count_zeroed(errors: ptr<function, Errors>, x: vec4<u32>, nothing: vec4<bool>) {
    let zeroed = select(vec4(0u), vec4(1u), nothing & ((x << vec4(1u)) != vec4(0u)));
    (*errors).zeroed += (zeroed.x + zeroed.y) + (zeroed.z + zeroed.w);
}

// One invocation's sums in 16 bytes: counts of up to 1023 and the exponent share a word.
fn packed_errors(errors: Errors) -> vec4<u32> {
    return vec4(
        bitcast<u32>(errors.squared_error),
        bitcast<u32>(errors.squared),
        bitcast<u32>(errors.worst),
        errors.clipped | (errors.zeroed << 10u) | (u32(errors.exponent - LEAST_EXPONENT) << 20u),
    );
}
