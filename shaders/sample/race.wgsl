// Which of many tokens has the most of score and noise.
//
// Floats propose: a logarithm of WGSL is within 2^-21 or 3 units in the last place, which leaves the noise within 2^-13, and a depth is
// within 2^-12 where the logits are not huge. Where the two best are further apart than twice that, the best is the winner, and only
// its score is computed by integers; elsewhere integers go through all of them.
#import sample/params
#import sample/reader
#import sample/fixed
#import sample/gumbel

const MARGIN: f32 = 0.00390625;

// A token and the score that it drew.
struct Ranked {
    score: vec2<u32>,
    id: u32,
}

fn ranks_before(a: Ranked, b: Ranked) -> bool {
    return less64(b.score, a.score) || (all(a.score == b.score) && a.id < b.id);
}

// Keys from `top` down to `key`, of that the ids up to `id`.
struct Cut {
    top: u32,
    key: u32,
    id: u32,
}

fn alive(key: u32, id: u32, cut: Cut) -> bool {
    return key <= cut.top && before(key, id, cut.key, cut.id);
}

// The noise of 64 random bits: -log2(-log2(1 - v)), v = bits / 2^64.
fn noise_near(high: f32, low: f32, high_left: f32, low_left: f32) -> f32 {
    let v = max((high + low * 2.3283064e-10) * 2.3283064e-10, 4.5474735e-13);
    let rest = (high_left + low_left * 2.3283064e-10) * 2.3283064e-10;
    // Where v is small, 1 - v has lost its digits.
    let small = v * (1.0 + v * (0.5 + v * (0.33333333 + v * 0.25))) * 1.442695;
    return -log2(select(-log2(max(rest, 5.0e-20)), small, v < 0.015625));
}

struct Runners {
    most: f32,
    second: f32,
    quad: u32,
}

fn run(runners: Runners, score: f32, quad: u32) -> Runners {
    let better = score > runners.most;
    return Runners(
        max(runners.most, score),
        max(runners.second, min(runners.most, score)),
        select(runners.quad, quad, better),
    );
}

fn near_score(words: vec2<u32>, key: u32, able: bool, best: f32, rate: f32) -> f32 {
    let noise = noise_near(f32(words.x), f32(words.y), f32(~words.x), f32(~words.y));
    let depth = (best - bitcast<f32>(select(bitcast<u32>(best), bits_of(key), able))) * rate;
    return select(-1000.0, noise - depth, able);
}

// The winner among those tokens of quads `first`, first + stride ... that survive the cut and rank after `last`; NO_TOKEN where there
// is none. The anchor is at least as high as each of them.
fn race(
    row: Row, first: u32, stride: u32, end: u32, cut: Cut, last: Ranked, scale: Scale, best: u32, rate: f32, stream: Stream
) -> Ranked {
    let anchor = raised(fixed_of(scale, best));
    let best_logit = bitcast<f32>(select(bits_of(best), 0u, best == INFINITE));
    let again = last.score.y != 0xffffffffu;
    var runners = Runners(-1000.0, -1000.0, first);
    if !again {
        for (var quad = first; quad < end; quad += stride) {
            let ids = quad_ids(row, quad);
            let keys = quad_keys(row, quad);
            // Two tokens share a call of the generator; where the row begins at an odd element, three pairs lie across a quad.
            for (var t = 0u; t < 2u + (row.lead & 1u); t++) {
                let pair = u32((bitcast<i32>(ids.x) >> 1u) + i32(t));
                let words = philox(vec4(pair, stream.position, stream.number), stream.seed);
                let at = 2u * pair - ids.x;
                let one = select(EXCLUDED, keys[at & 3u], at < 4u);
                let two = select(EXCLUDED, keys[(at + 1u) & 3u], at + 1u < 4u);
                runners = run(runners, near_score(words.xy, one, alive(one, 2u * pair, cut), best_logit, rate), quad);
                runners = run(runners, near_score(words.zw, two, alive(two, 2u * pair + 1u, cut), best_logit, rate), quad);
            }
        }
    }
    // Logits so large that floats do not tell them apart are left to the integers.
    let trusted = !again && best != INFINITE && abs(best_logit) * rate < 1024.0 && runners.second < runners.most - MARGIN;
    let from_quad = select(first, runners.quad, trusted);
    let to_quad = select(end, min(runners.quad + 1u, end), trusted);
    var winner = Ranked(vec2(0u), NO_TOKEN);
    for (var quad = from_quad; quad < to_quad; quad += stride) {
        let ids = quad_ids(row, quad);
        let keys = quad_keys(row, quad);
        for (var j = 0u; j < params.four; j++) {
            let depth = depth_of(scale, anchor, keys[j]);
            let able = alive(keys[j], ids[j], cut) && depth.y < 256u;
            let score = score_of(bits_of_token(stream, ids[j]), select(vec2(0u), depth, able));
            let this_one = Ranked(score, ids[j]);
            if able && ranks_before(last, this_one) && ranks_before(this_one, winner) {
                winner = this_one;
            }
        }
    }
    return winner;
}
