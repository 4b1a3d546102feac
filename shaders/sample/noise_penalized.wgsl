// The random words of a quad's tokens, which are neighbours or, where they were touched, any tokens.
#import sample/gumbel

struct Words {
    high: vec4<u32>,
    low: vec4<u32>,
}

fn noise_words(ids: vec4<u32>, stream: Stream) -> Words {
    let one = philox(vec4(ids.x >> 1u, stream.position, stream.number), stream.seed);
    let two = philox(vec4(ids.z >> 1u, stream.position, stream.number), stream.seed);
    var words = Words(vec4(one.xz, two.xz), vec4(one.yw, two.yw));
    let neighbours = all(ids == vec4(ids.x & ~3u) + vec4(0u, 1u, 2u, 3u));
    var rest = ids;
    for (var turn = select(0u, params.four, !neighbours); turn > 0u; turn--) {
        let bits = bits_of_token(stream, rest.x);
        words = Words(vec4(words.high.yzw, bits.y), vec4(words.low.yzw, bits.x));
        rest = rest.yzwx;
    }
    return words;
}
