// Min-p (Nguyen et al. 2024): what has at least a share of the best survivor's weight.
#import sample/wish

fn min_p(stage: vec4<u32>, facts: Facts) -> Wish {
    return Wish(HEAVY, 1u, portion(facts.first, stage.y, false), vec2(0u));
}
