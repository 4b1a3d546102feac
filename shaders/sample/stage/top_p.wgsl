// Top-p, nucleus sampling (Holtzman et al. 2019): the fewest best tokens that reach a share of the mass; bit 0 of the second value:
// that exceed it; bit 1: of the mass of all candidates.
#import sample/wish

fn top_p(stage: Stage) -> Wish {
    let base = select(SURVIVORS, CANDIDATES, (stage.two & 2u) != 0u);
    return Wish(PREFIX, 1u, Portion(base, stage.one), NO_PORTION, (stage.two & 1u) != 0u);
}
