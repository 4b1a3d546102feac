// Top-p, nucleus sampling (Holtzman et al. 2019): the fewest best tokens that reach a share of the mass; bit 0 of the second value:
// that exceed it; bit 1: of the mass of all candidates.
#import sample/wish

fn top_p(stage: vec4<u32>, facts: Facts) -> Wish {
    let mass = select(facts.mass, facts.whole_mass, (stage.z & 2u) != 0u);
    return Wish(PREFIX, 1u, portion(mass, stage.y, (stage.z & 1u) != 0u), vec2(0u));
}
