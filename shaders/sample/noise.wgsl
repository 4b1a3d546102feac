// The random words of a quad's tokens; two neighbours share a call of the generator.
#import sample/gumbel

struct Words {
    high: vec4<u32>,
    low: vec4<u32>,
}

fn noise_words(ids: vec4<u32>, stream: Stream) -> Words {
    let one = philox(vec4(ids.x >> 1u, stream.position, stream.number), stream.seed);
    let two = philox(vec4(ids.z >> 1u, stream.position, stream.number), stream.seed);
    return Words(vec4(one.xz, two.xz), vec4(one.yw, two.yw));
}
