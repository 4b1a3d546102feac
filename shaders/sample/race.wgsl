// Which of many tokens has the most of score and noise, by integers.
#import sample/reader
#import sample/fixed
#import sample/gumbel
#import sample/cut

// A token and the score that it drew.
struct Ranked {
    score: vec2<u32>,
    id: u32,
    key: u32,
}

const BEFORE_ALL: Ranked = Ranked(vec2<u32>(0xffffffffu, 0xffffffffu), 0u, 0u);
const AFTER_ALL: Ranked = Ranked(vec2<u32>(0u, 0u), NO_TOKEN, EXCLUDED);

fn ranks_before(a: Ranked, b: Ranked) -> bool {
    return less64(b.score, a.score) || (all(a.score == b.score) && a.id < b.id);
}

// Tokens that were met among the survivors.
var<private> met: u32;

// The winner among those tokens of quads `first`, first + stride ... under `end` that survive the cut and rank after `last`; AFTER_ALL
// where there is none. No survivor is higher than the anchor.
fn race(
    row: Row, first: u32, stride: u32, end: u32, cut: Cut, last: Ranked, scale: Scale, anchor: Fixed, stream: Stream
) -> Ranked {
    var winner = AFTER_ALL;
    for (var quad = first; quad < end; quad += stride) {
        var ids = quad_ids(row, quad);
        var keys = keys_of(quad_bits(row, quad));
        for (var i = 0u; i < params.four; i++) {
            let depth = depth_of(scale, anchor, keys.x);
            let survives = alive(keys.x, ids.x, cut);
            let runs = survives && depth.y < 256u;
            met += u32(survives);
            let score = score_of(bits_of_token(stream, ids.x), select(vec2(0u), depth, runs));
            let ranked = Ranked(score, ids.x, keys.x);
            if runs && ranks_before(last, ranked) && ranks_before(ranked, winner) {
                winner = ranked;
            }
            ids = ids.yzwx;
            keys = keys.yzwx;
        }
    }
    return winner;
}
