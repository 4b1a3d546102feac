// What quantization cost, summed beside the work: squared error, squared values, the worst error, counts.
//
// Sums are kept in units of 2^exponent, a power of two near the largest value seen, so that neither large nor small tensors
// overflow or vanish in f32. An adapter that flushes subnormals takes values under 2^-126 for zero here.

struct Errors {
    squared_error: f32, // in 2^(2 exponent)
    squared: f32,       // in 2^(2 exponent)
    worst: f32,         // in 2^exponent
    exponent: i32,
    clipped: u32,       // values whose code means infinity or NaN
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

// The sums of a block, four side by side, in the units of the Errors that they end up in.
struct Sums {
    unit: f32,
    squared_error: vec4<f32>,
    squared: vec4<f32>,
    worst: vec4<u32>,   // bits, which order like integers
    zeroed: vec4<u32>,
}

fn begin_sums(errors: ptr<function, Errors>) -> Sums {
    return Sums(power_of_two(-(*errors).exponent), vec4(0.0), vec4(0.0), vec4(0u), vec4(0u));
}

// Adds four finite values (bits), and their codes as floats times `step`, the scale in the units of the sums.
fn add_scaled(sums: ptr<function, Sums>, x: vec4<u32>, code: vec4<f32>, step: f32) {
    let value = bitcast<vec4<f32>>(x) * (*sums).unit;
    let error = value - code * step;
    (*sums).squared_error += error * error;
    (*sums).squared += value * value;
    (*sums).worst = max((*sums).worst, bitcast<vec4<u32>>(error) & vec4(0x7fffffffu));
}

// Counts the values (bits) other than zero whose codes (magnitudes) mean zero.
fn add_zeroed(sums: ptr<function, Sums>, x: vec4<u32>, code: vec4<u32>) {
    (*sums).zeroed += min(x << vec4(1u), vec4(1u)) & ~min(code, vec4(1u));
}

fn end_sums(errors: ptr<function, Errors>, sums: Sums) {
    (*errors).squared_error += (sums.squared_error.x + sums.squared_error.y) + (sums.squared_error.z + sums.squared_error.w);
    (*errors).squared += (sums.squared.x + sums.squared.y) + (sums.squared.z + sums.squared.w);
    let worst = max(max(sums.worst.x, sums.worst.y), max(sums.worst.z, sums.worst.w));
    (*errors).worst = max((*errors).worst, bitcast<f32>(worst));
    (*errors).zeroed += (sums.zeroed.x + sums.zeroed.y) + (sums.zeroed.z + sums.zeroed.w);
}

// Adds one finite value (bits) and what its code means. A meaning that is not finite is counted; it would drown the sums.
fn add_error(errors: ptr<function, Errors>, x: u32, meaning: f32) {
    let unit = power_of_two(-(*errors).exponent);
    let value = bitcast<f32>(x) * unit;
    let size = bitcast<u32>(meaning) & 0x7fffffffu;
    (*errors).squared += value * value;
    if size >= 0x7f800000u {
        (*errors).clipped++;
    } else {
        let error = abs(value - meaning * unit);
        (*errors).squared_error += error * error;
        (*errors).worst = max((*errors).worst, error);
        (*errors).zeroed += u32(size == 0u && (x << 1u) != 0u);
    }
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
