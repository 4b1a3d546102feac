// Every stage.
#import sample/wish
#import sample/stage/top_k
#import sample/stage/top_p
#import sample/stage/min_p
#import sample/stage/epsilon
#import sample/stage/typical
#import sample/stage/sigma
#import sample/stage/eta

// Their numbers, of those that the kernel tells apart.
const TOP_P: u32 = 2u;
const TYPICAL: u32 = 5u;
const SIGMA: u32 = 6u;

fn wish_of(stage: vec4<u32>, facts: Facts) -> Wish {
    switch stage.x {
        case 1u: { return top_k(stage, facts); }
        case 2u: { return top_p(stage, facts); }
        case 3u: { return min_p(stage, facts); }
        case 4u: { return epsilon(stage, facts); }
        case 5u: { return typical(stage, facts); }
        case 6u: { return sigma(stage, facts); }
        default: { return eta(stage, facts); }
    }
}
