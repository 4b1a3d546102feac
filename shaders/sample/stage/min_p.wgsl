// Min-p (Nguyen et al. 2024): what has at least a share of the best survivor's weight.
#import sample/wish

fn min_p(stage: Stage) -> Wish {
    return Wish(HEAVY, 1u, Portion(FIRST, stage.one), NO_PORTION, false);
}
