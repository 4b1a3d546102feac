// Which of many tokens has the most of score and noise, as far as floats tell.
//
// Noise is within 2^-13 (noise_near.wgsl), and a score is within 2^-12 of that where the logits are not huge. Where the two best are further apart than twice both, the best is the winner; elsewhere integers
// decide (race.wgsl). Most noise is not even computed: the leading bits of a random number bound it.
#import sample/reader
#import sample/cut
#import sample/noise
#import sample/noise_near

// What floats find.
struct Proposal {
    most: f32,
    second: f32,
    quad: u32,  // of the one with the most
    best: u32,  // the best key
    count: u32, // survivors
    nan: bool,
}

// Those tokens of quads `first`, first + stride ... under `end` that survive the cut.
fn propose(row: Row, first: u32, stride: u32, end: u32, cut: Cut, rate: f32, stream: Stream) -> Proposal {
    var found = Proposal(-1000.0, -1000.0, first, EXCLUDED, 0u, false);
    for (var quad = first; quad < end; quad += stride) {
        let ids = quad_ids(row, quad);
        let bits = quad_bits(row, quad);
        let keys = keys_of(bits);
        let able = alive4(keys, ids, cut);
        let alive = select(vec4(EXCLUDED), keys, able);
        found.nan |= any(is_nan(bits));
        found.count += countOneBits(dot(vec4<u32>(able), vec4(1u, 2u, 4u, 8u)));
        found.best = max(found.best, max(max(alive.x, alive.y), max(alive.z, alive.w)));
        let words = noise_words(ids, stream);
        // No NaN and no infinity reaches a float.
        let logits = bitcast<vec4<f32>>(select(vec4(0u), bits, able & (keys != vec4(INFINITE)))) * rate;
        let hopes = able & (noise_bound(words.high) + logits >= vec4(found.second));
        // A loop, because processors pass by a loop that no invocation enters, and not by a branch.
        for (var once = u32(any(hopes)); once > 0u; once--) {
            let scores = select(vec4(-1000.0), noise_near(words.high, words.low) + logits, able);
            let highs = max(scores.xz, scores.yw);
            let lows = min(scores.xz, scores.yw);
            let high = max(highs.x, highs.y);
            let low = max(min(highs.x, highs.y), max(lows.x, lows.y));
            found.second = max(max(found.second, low), min(found.most, high));
            found.quad = select(found.quad, quad, high > found.most);
            found.most = max(found.most, high);
        }
    }
    return found;
}
