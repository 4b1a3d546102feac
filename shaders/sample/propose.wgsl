// Which of many tokens has the most of score and noise, as far as floats tell.
//
// A logarithm of WGSL is within 2^-21 or 3 units in the last place, which leaves the noise within 2^-13, and a score is within 2^-12 of
// that where the logits are not huge. Where the two best are further apart than twice both, the best is the winner; elsewhere integers
// decide (race.wgsl). Most noise is not even computed: the leading bits of a random number bound it.
#import sample/reader
#import sample/cut
#import sample/noise
#import sample/chunk

// -log2(log2(e)), and a little for the rounding of a bound.
const NOISE_BASE: f32 = -0.528;

// What floats find.
struct Proposal {
    most: f32,
    second: f32,
    quad: u32,  // of the one with the most
    best: u32,  // the best key
    count: u32, // survivors
    nan: bool,
}

// The noise of 64 random bits: -log2(-log2(1 - v)), v = bits / 2^64.
fn noise_near(high: vec4<u32>, low: vec4<u32>) -> vec4<f32> {
    let v = max((vec4<f32>(high) + vec4<f32>(low) * 2.3283064e-10) * 2.3283064e-10, vec4(4.5474735e-13));
    let rest = (vec4<f32>(~high) + vec4<f32>(~low) * 2.3283064e-10) * 2.3283064e-10;
    // Where v is small, 1 - v has lost its digits.
    let small = v * (1.0 + v * (0.5 + v * (0.33333333 + v * 0.25))) * 1.442695;
    return -log2(select(-log2(max(rest, vec4(5.0e-20))), small, v < vec4(0.015625)));
}

// At least as much: a logarithm lies above its chords.
fn noise_bound(high: vec4<u32>) -> vec4<f32> {
    return vec4(159.0 + NOISE_BASE) - vec4<f32>(bitcast<vec4<u32>>(vec4<f32>(high))) * 1.1920929e-7;
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
