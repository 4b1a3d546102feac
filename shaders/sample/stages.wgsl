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
const EPSILON: u32 = 4u;
const TYPICAL: u32 = 5u;
const SIGMA: u32 = 6u;
const ETA: u32 = 7u;

fn wish_of(stage: Stage) -> Wish {
    switch stage.what {
        case 1u: { return top_k(stage); }
        case 2u: { return top_p(stage); }
        case 3u: { return min_p(stage); }
        case 4u: { return epsilon(stage); }
        case 5u: { return typical(stage); }
        case 6u: { return sigma(stage); }
        default: { return eta(stage); }
    }
}
