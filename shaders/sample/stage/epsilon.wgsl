// Epsilon sampling (Hewitt et al. 2022): what has at least a share of the mass.
#import sample/wish

fn epsilon(stage: Stage) -> Wish {
    return Wish(HEAVY, 1u, Portion(SURVIVORS, stage.one), NO_PORTION, false);
}
