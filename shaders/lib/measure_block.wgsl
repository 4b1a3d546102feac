// The errors of a block's proposals, where a code means itself times one scale.
#import lib/measure

fn measure_block(scheme: Scheme, x: ptr<function, array<vec4<u32>, QUADS>>, errors: ptr<function, Errors>) {
    var sums = begin_sums(errors);
    let step = bitcast<f32>(scheme.scale) * sums.unit;
    measure_quad(&sums, (*x)[0], propose(scheme, (*x)[0]), step);
    measure_quad(&sums, (*x)[1], propose(scheme, (*x)[1]), step);
    measure_quad(&sums, (*x)[2], propose(scheme, (*x)[2]), step);
    measure_quad(&sums, (*x)[3], propose(scheme, (*x)[3]), step);
    measure_quad(&sums, (*x)[4], propose(scheme, (*x)[4]), step);
    measure_quad(&sums, (*x)[5], propose(scheme, (*x)[5]), step);
    measure_quad(&sums, (*x)[6], propose(scheme, (*x)[6]), step);
    measure_quad(&sums, (*x)[7], propose(scheme, (*x)[7]), step);
    end_sums(errors, sums);
}
