// One step of an optimizer on a tensor, or a window of one.
//
// Shapes: weights, gradients, moments [elements], two to an invocation; the types are those of the files that fill the slots.
// Dispatch: ceil(elements / 2 / LANES) workgroups. What is beyond an odd number of elements is padding, and is stepped on too.
#import rule
#import weights
#import gradients
#import moments
#import random

const LANES: u32 = 64u;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let pair = (group.y * groups.x + group.x) * LANES + lane;
    if 2u * pair >= params.elements {
        return;
    }
    let before = load_weights(pair);
    let gradient = load_gradients(pair);
    let first = load_first(pair);
    let second = load_second(pair);
    let a = updated(before.x, gradient.x, vec2(first.x, second.x));
    let b = updated(before.y, gradient.y, vec2(first.y, second.y));
    let random = random_words(params.pair_first + pair);
    store_weights(pair, vec2(a.weight, b.weight), random.x);
    store_moments(pair, a, b, random.yz);
}
