// Philox4x32-10: random words that depend on a counter and a key alone. Twin: src/sample/philox.rs.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11).
#import lib/product

fn philox_round(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    let a = wide_product(0xd2511f53u, counter.x);
    let b = wide_product(0xcd9e8d57u, counter.z);
    return vec4(b.y ^ counter.y ^ key.x, b.x, a.y ^ counter.w ^ key.y, a.x);
}

// The same in `rounds` = 10 turns of a loop: less to compile, and slower.
fn philox_turns(counter: vec4<u32>, key: vec2<u32>, rounds: u32) -> vec4<u32> {
    var words = counter;
    var keys = key;
    for (var round = 0u; round < rounds; round++) {
        words = philox_round(words, keys);
        keys += vec2(0x9e3779b9u, 0xbb67ae85u);
    }
    return words;
}

fn philox(counter: vec4<u32>, key: vec2<u32>) -> vec4<u32> {
    let step = vec2(0x9e3779b9u, 0xbb67ae85u);
    var words = philox_round(counter, key);
    words = philox_round(words, key + step);
    words = philox_round(words, key + 2u * step);
    words = philox_round(words, key + 3u * step);
    words = philox_round(words, key + 4u * step);
    words = philox_round(words, key + 5u * step);
    words = philox_round(words, key + 6u * step);
    words = philox_round(words, key + 7u * step);
    words = philox_round(words, key + 8u * step);
    return philox_round(words, key + 9u * step);
}
