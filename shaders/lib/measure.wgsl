// The errors of proposals.
#import lib/propose
#import lib/errors

// Adds four values (bits) and their proposals; `step` is the scale in the units of the sums.
fn measure_quad(sums: ptr<function, Sums>, x: vec4<u32>, proposed: vec4<u32>, step: f32) {
    measure_offset_quad(sums, x, proposed, step, 0);
}

// The same where the code `zero` means 0.
fn measure_offset_quad(sums: ptr<function, Sums>, x: vec4<u32>, proposed: vec4<u32>, step: f32, zero: i32) {
    // What is in doubt is measured where it is settled.
    let open = is_doubtful(proposed);
    let value = select(x, vec4(0u), open);
    let code = select(code_of(proposed) - vec4(zero), vec4(0), open);
    add_scaled(sums, value, vec4<f32>(code), step);
    add_zeroed(sums, value, bitcast<vec4<u32>>(code));
}
