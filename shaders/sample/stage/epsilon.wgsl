// Epsilon sampling (Hewitt et al. 2022): what has at least a share of the mass.
#import sample/wish

fn epsilon(stage: vec4<u32>, facts: Facts) -> Wish {
    return Wish(HEAVY, 1u, portion(facts.mass, stage.y, false), vec2(0u));
}
