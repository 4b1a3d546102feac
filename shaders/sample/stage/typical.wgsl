// Locally typical sampling (Meister et al. 2023): what is nearest to the entropy in surprise, which is nearest to the mean depth.
#import sample/wish

fn typical(stage: Stage) -> Wish {
    return Wish(BAND, 1u, Portion(SURVIVORS, stage.one), NO_PORTION, false);
}
