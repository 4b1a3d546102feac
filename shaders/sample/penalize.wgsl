// What mask, bias and penalties make of a row: which of its tokens stand as they came, and what the others are worth now.
//
// Tokens that bias or a penalty touches are few. They are marked in a bitmap; the number of marks before a token is its place in a
// list, in which they are counted and worked out. Kernels that read the row afterwards (reader_penalized.wgsl) pass over what is not
// visible and find the touched tokens behind the others. The arithmetic is that of the host's floats, done in integers: x + bias,
// then x / repetition or x * repetition, then x - (frequency * count + presence), each step rounded.
//
// Shapes: source [rows, vocab], memory [rows], biases [rows, bias_room], masks [rows, vocab / 32] -> visible [rows, visible_words],
// extras [rows]: ids, then F32 bits. Dispatch: a workgroup a row.
#import sample/reader
#import sample/program
#import lib/exact

const LANES: u32 = 64u;
// Words of `memory`, and of a scope.
const PROMPT: u32 = 2u;
const TOKENS: u32 = 3u;
const MEMORY_WORDS: u32 = 4u;
const SCOPE_ALL: u32 = 0xffffffffu;
const SCOPE_OUTPUT: u32 = 0xfffffffeu;
const ONE: u32 = 0x3f800000u;
const SIGN: u32 = 0x80000000u;

@group(0) @binding(8) var<storage, read> memory: array<u32>;
@group(0) @binding(12) var<storage, read_write> visible: array<atomic<u32>>; // bits of the ids; the length of the list
@group(0) @binding(13) var<storage, read_write> extras: array<u32>;
// Of each row: marks before each word; then of each listed token how often two scopes saw it, and its bias.
@group(0) @binding(14) var<storage, read_write> seen: array<atomic<u32>>;
@group(0) @binding(15) var<storage, read> biases: array<vec2<u32>>;
@group(0) @binding(9) var<storage, read> masks: array<u32>;

var<workgroup> marks: array<u32, LANES>;

// a + b of any finite numbers.
fn signed_sum(a: u32, b: u32) -> u32 {
    let minus = b ^ SIGN;
    let up = ordered_bits(a) >= ordered_bits(minus);
    return difference(select(minus, a, up), select(a, minus, up)) | select(SIGN, 0u, up);
}

fn signed_product(a: u32, b: u32) -> u32 {
    return product(magnitude(a), magnitude(b)) | ((a ^ b) & SIGN);
}

fn is_finite(bits: u32) -> bool {
    return magnitude(bits) < INFINITY_BITS;
}

fn scope_start(scope: u32, prompt: u32, tokens: u32) -> u32 {
    return select(select(tokens - min(scope, tokens), prompt, scope == SCOPE_OUTPUT), 0u, scope == SCOPE_ALL);
}

// The place of a marked token in the list.
fn mark_at(row: u32, id: u32) -> u32 {
    let below = (1u << (id & 31u)) - 1u;
    let word = id >> 5u;
    return atomicLoad(&seen[row * params.seen_words + word])
        + countOneBits(atomicLoad(&visible[row * params.visible_words + word]) & below);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let index = group.y * groups.x + group.x;
    if index >= params.row_count {
        return;
    }
    let row = row_at(listed_row(index));
    let program = row.index * PROGRAM_WORDS;
    let words = params.visible_words - 1u;
    let bits_at = row.index * params.visible_words;
    let seen_at = row.index * params.seen_words;
    let list_at = seen_at + words;
    let remembered = row.index * params.memory_words;
    let room = max(params.memory_words - MEMORY_WORDS, 1u);
    let tokens = memory[remembered + TOKENS];
    let prompt = memory[remembered + PROMPT];
    let repetition = programs[program + REPETITION];
    let frequency = programs[program + FREQUENCY];
    let presence = programs[program + PRESENCE];
    // Where the two scopes begin; what is off sees nothing.
    let repeats_from = select(scope_start(programs[program + REPETITION_SCOPE], prompt, tokens), tokens, repetition == ONE);
    let counts_from = select(scope_start(programs[program + PRESENCE_SCOPE], prompt, tokens), tokens, magnitude(frequency | presence) == 0u);
    // The ring holds no more than its room; the host sees to it that no scope asks for more.
    let from_token = max(min(repeats_from, counts_from), tokens - min(tokens, params.memory_words - MEMORY_WORDS));
    let bias_count = programs[program + BIAS_COUNT];

    for (var word = lane; word < words; word += LANES) {
        atomicStore(&visible[bits_at + word], 0u);
    }
    storageBarrier();
    // First what is touched is marked, then it is listed, then it is counted.
    for (var turn = 0u; turn < params.two; turn++) {
        for (var i = lane; i < bias_count + tokens - from_token; i += LANES) {
            let biased = i < bias_count;
            let bias = biases[row.index * params.bias_room + min(i, max(params.bias_room, 1u) - 1u)];
            let token = from_token + i - min(bias_count, i);
            let id = select(memory[remembered + MEMORY_WORDS + token % room], bias.x, biased);
            if id < params.vocab && turn == 0u {
                atomicOr(&visible[bits_at + (id >> 5u)], 1u << (id & 31u));
            } else if id < params.vocab {
                let place = list_at + 3u * mark_at(row.index, id);
                if biased {
                    atomicStore(&seen[place + 2u], bias.y);
                } else {
                    atomicAdd(&seen[place], u32(token >= repeats_from));
                    atomicAdd(&seen[place + 1u], u32(token >= counts_from));
                }
            }
        }
        storageBarrier();
        if turn == 0u {
            let share = (words + LANES - 1u) / LANES;
            var count = 0u;
            for (var i = 0u; i < share; i++) {
                let word = lane * share + i;
                count += select(0u, countOneBits(atomicLoad(&visible[bits_at + min(word, words - 1u)])), word < words);
            }
            marks[lane] = count;
            workgroupBarrier();
            var place = 0u;
            for (var other = 0u; other < lane; other++) {
                place += marks[other];
            }
            for (var word = lane * share; word < min(lane * share + share, words); word++) {
                atomicStore(&seen[seen_at + word], place);
                for (var rest = atomicLoad(&visible[bits_at + word]); rest != 0u; rest &= rest - 1u) {
                    extras[row.index * params.extra_words + place] = 32u * word + countTrailingZeros(rest);
                    for (var i = 0u; i < 3u; i++) {
                        atomicStore(&seen[list_at + 3u * place + i], 0u);
                    }
                    place++;
                }
            }
            if lane == LANES - 1u {
                atomicStore(&visible[bits_at + words], place);
            }
            storageBarrier();
        }
    }

    let listed = atomicLoad(&visible[bits_at + words]);
    let masked = programs[program + MASKED] != 0u;
    let mask_at = row.index * words;
    // Whole quads: what is left of the last one is no token.
    for (var i = lane; i < (listed + 3u) / 4u * 4u; i += LANES) {
        let at = row.index * params.extra_words + i;
        let id = extras[at];
        let quad = quad_bits(row, min(id, params.vocab - 1u) >> 2u);
        let part = id & 3u;
        var x = select(select(select(quad.w, quad.z, part == 2u), quad.y, part == 1u), quad.x, part == 0u);
        let place = list_at + 3u * min(i, params.extra_words / 2u - 1u);
        let repeats = atomicLoad(&seen[place]);
        let counts = atomicLoad(&seen[place + 1u]);
        let bias = atomicLoad(&seen[place + 2u]);
        if is_finite(x) && is_finite(bias) {
            x = signed_sum(x, bias);
        }
        if is_finite(x) && repeats > 0u {
            let above = x < SIGN && x != 0u;
            x = select(signed_product(x, repetition), quotient(magnitude(x), repetition), above);
        }
        if is_finite(x) && counts > 0u {
            let often = signed_product(frequency, bitcast<u32>(f32(counts)));
            x = signed_sum(x, signed_sum(often, presence) ^ SIGN);
        }
        let banned = bias == NEGATIVE_INFINITY || (masked && ((masks[mask_at + (min(id, params.vocab - 1u) >> 5u)] >> (id & 31u)) & 1u) == 0u);
        extras[at] = select(id, NO_TOKEN, i >= listed);
        extras[at + params.extra_words / 2u] = select(x, NEGATIVE_INFINITY, banned || i >= listed);
    }
    storageBarrier();
    for (var word = lane; word < words; word += LANES) {
        let allowed = select(NO_TOKEN, masks[mask_at + word], masked);
        // Ids beyond the vocabulary are never visible.
        let ids = select(NO_TOKEN, (1u << (params.vocab & 31u)) - 1u, 32u * word + 32u > params.vocab);
        atomicStore(&visible[bits_at + word], allowed & ids & ~atomicLoad(&visible[bits_at + word]));
    }
}
