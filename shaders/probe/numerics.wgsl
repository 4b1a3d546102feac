// What this adapter's floats do, one question a word; the operands come from a buffer so that nothing is folded beforehand.
//
// Shapes: operands [16] F32 bits -> answers [16] F32 bits. Dispatch: one invocation. The answers are read by gpu/probe.rs.
struct Params {
    unused: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> operands: array<f32>; // [16]
@group(0) @binding(2) var<storage, read_write> answers: array<f32>; // [16]

@compute @workgroup_size(1)
fn main() {
    // A subnormal through an addition, a product and a comparison.
    answers[0] = operands[0] + 0.0 * f32(params.unused);
    answers[1] = operands[0] * operands[1];
    answers[2] = select(0.0, 1.0, operands[0] > 0.0);
    // (1 + u) (1 - u) - 1: 0 where product and sum round apart, -u^2 where they are fused.
    answers[3] = operands[2] * operands[3] - operands[4];
    answers[4] = fma(operands[2], operands[3], -operands[4]);
    // Reassociation: (a + b) - a is not b where b is lost in the sum.
    answers[5] = (operands[5] + operands[6]) - operands[5];
    // Division against its exactly rounded result; by an operand and by a literal.
    answers[6] = operands[7] / operands[8];
    answers[7] = operands[7] / 127.0;
    answers[8] = 1.0 / operands[8];
    // Is NaN seen? (x != x)
    answers[9] = select(0.0, 1.0, operands[9] != operands[9]);
    answers[10] = sqrt(operands[10]);
    // round() of a tie
    answers[11] = round(operands[11]);
}
