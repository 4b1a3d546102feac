// Eta sampling (Hewitt et al. 2022): what has at least the lesser of a share of the mass and the share's root of the weight that a
// token of average surprise has, which is the mass times exp(-entropy).
#import sample/wish

fn eta(stage: vec4<u32>, facts: Facts) -> Wish {
    let average = portion(weight_of(facts.mean_depth), stage.z, false);
    return Wish(HEAVY, 1u, min64(portion(facts.mass, stage.y, false), average), vec2(0u));
}
