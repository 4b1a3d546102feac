// Gradient descent with momentum on one parameter, as PyTorch's SGD without dampening. Twin: src/train/twin.rs.
#import train/params

fn updated(weight: f32, gradient: f32, before: vec2<f32>) -> Updated {
    let first = params.beta1 * before.x + params.part1 * (gradient + params.keep * weight);
    return Updated(weight - params.size * first, first, before.y);
}
