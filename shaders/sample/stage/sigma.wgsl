// Top-n-sigma (Tang et al. 2024): what lies within n standard deviations of the best logit.
#import sample/wish

fn sigma(stage: Stage) -> Wish {
    return Wish(NEAR, stage.one, NO_PORTION, NO_PORTION, false);
}
