// Random bits for two parameters: 16 for each of a weight and two moments of each.
#import train/params
#import lib/philox

fn random_words(pair: u32) -> vec3<u32> {
    return philox_turns(vec4(pair, params.number, 0u, 0u), vec2(params.seed_low, params.seed_high), params.turns).xyz;
}
