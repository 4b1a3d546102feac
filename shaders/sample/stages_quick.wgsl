// The stages that a list of the row's best tokens can settle.
#import sample/wish
#import sample/stage/top_k
#import sample/stage/top_p
#import sample/stage/min_p
#import sample/stage/epsilon

const TOP_P: u32 = 2u;
const EPSILON: u32 = 4u;

fn wish_of(stage: Stage) -> Wish {
    switch stage.what {
        case 1u: { return top_k(stage); }
        case 2u: { return top_p(stage); }
        case 3u: { return min_p(stage); }
        default: { return epsilon(stage); }
    }
}
