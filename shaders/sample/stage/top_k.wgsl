// Top-k (Fan et al. 2018): the k best.
#import sample/wish

fn top_k(stage: Stage) -> Wish {
    return Wish(PREFIX, stage.one, NO_PORTION, NO_PORTION, false);
}
