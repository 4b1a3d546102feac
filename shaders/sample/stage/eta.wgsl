// Eta sampling (Hewitt et al. 2022): what has at least the lesser of a share of the mass and the share's root of the weight that a
// token of average surprise has, which is the mass times exp(-entropy).
#import sample/wish

fn eta(stage: Stage) -> Wish {
    return Wish(HEAVY, 1u, Portion(SURVIVORS, stage.one), Portion(TYPICAL_ONE, stage.two), false);
}
