// Locally typical sampling (Meister et al. 2023): what is nearest to the entropy in surprise, which is nearest to the mean depth.
#import sample/wish

fn typical(stage: vec4<u32>, facts: Facts) -> Wish {
    return Wish(BAND, 1u, portion(facts.mass, stage.y, false), facts.mean_depth);
}
