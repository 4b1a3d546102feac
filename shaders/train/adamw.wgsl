// AdamW on one parameter. Source: Loshchilov & Hutter 2019, algorithm 2, in the order of PyTorch's. Twin: src/train/twin.rs.
#import train/params

fn updated(weight: f32, gradient: f32, before: vec2<f32>) -> Updated {
    let first = params.beta1 * before.x + params.part1 * gradient;
    let second = params.beta2 * before.y + params.part2 * gradient * gradient;
    let next = weight * params.keep - params.size * first / (sqrt(second) / params.root + params.epsilon);
    return Updated(next, first, second);
}
