// Quantizes a window of a tensor to a block format, one pass: the scale lives in the block.
//
// Shapes: source [elements] -> blocks [blocks, BLOCK_BYTES], the bytes of the format's files.
// Dispatch: an invocation takes `steps` packs; a pack is the 1 or 2 blocks that fill whole words, so no two write one word.
// The codec of slot `format` proposes a block's codes with floats; those that it doubts are settled by integers.
#import source
#import format
#import lib/grid
#import lib/finite
#import lib/errors

struct Params {
    blocks: u32,       // in this window
    elements: u32,     // in this window; less than blocks * BLOCK_LEN where the last one is not full
    source_first: u32, // the quad of `source` at which the window begins
    word_first: u32,   // the word of `blocks` at which it begins
    words: u32,        // of `blocks` in this window: what is written beyond would land in the last word on some devices
    pack: u32,
    packs_per_group: u32,
    steps: u32,
    lane_stride: u32,
    step_stride: u32,
    quads: u32,        // QUADS, said by the host so that compilers keep the loop
    policy: u32,
    slot: u32,
    partials: u32,     // error sums to write, one an invocation; 0: measure nothing
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> blocks: array<u32>;
@group(0) @binding(4) var<storage, read_write> partials: array<vec4<u32>>; // [invocations] error sums

@compute @workgroup_size(WORKGROUP)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let mine = share(group, groups, lane, params.packs_per_group, params.lane_stride);
    var errors = no_errors();
    var open = 0u; // bit i: the i-th block of this invocation holds codes that floats cannot decide
    for (var step = 0u; step < params.steps; step++) {
        var carry = 0u;
        for (var member = 0u; member < params.pack; member++) {
            let block = (mine.first + step * params.step_stride) * params.pack + member;
            if block < params.blocks {
                let x = read_block(block);
                carry = propose_block(block, x, carry, step * params.pack + member, &open, &errors);
            }
        }
    }
    // Put off to here, and seldom needed: processors run both sides of a branch for all lanes.
    for (; open != 0u; open &= open - 1u) {
        let bit = firstTrailingBit(open);
        settle_block((mine.first + bit / params.pack * params.step_stride) * params.pack + bit % params.pack, &errors);
    }
    if mine.invocation < params.partials {
        partials[mine.invocation] = packed_errors(errors);
    }
}

struct Source {
    values: array<vec4<u32>, QUADS>,
    largest: u32,  // the largest finite magnitude
    foreign: bool, // it holds values that the format cannot hold
}

// Reads a block; by policy what is not finite is replaced.
fn read_block(block: u32) -> Source {
    var x: Source;
    let first = block * BLOCK_LEN;
    let first_quad = params.source_first + block * QUADS;
    var size = vec4(0u);
    for (var q = 0u; q < QUADS; q++) {
        x.values[q] = source_quad(first_quad + q);
    }
    if first + BLOCK_LEN > params.elements {
        // What lies behind the last element is not ours to read a meaning into.
        for (var q = 0u; q < QUADS; q++) {
            let inside = vec4(first + 4u * q) + vec4(0u, 1u, 2u, 3u) < vec4(params.elements);
            x.values[q] = select(vec4(0u), x.values[q], inside);
        }
    }
    for (var q = 0u; q < QUADS; q++) {
        size = max(size, x.values[q] & vec4(0x7fffffffu));
    }
    x.largest = max(max(size.x, size.y), max(size.z, size.w));
    x.foreign = x.largest >= OVERFLOW;
    if x.foreign {
        size = vec4(0u);
        for (var q = 0u; q < QUADS; q++) {
            let clean = held(x.values[q], OVERFLOW, LARGEST);
            size = max(size, clean & vec4(0x7fffffffu));
            if params.policy != KEEP {
                x.values[q] = clean;
            }
        }
        x.largest = max(max(size.x, size.y), max(size.z, size.w));
    }
    return x;
}

// Returns the last half word of a block that ends within a word, for its neighbour.
fn propose_block(block: u32, source: Source, carry: u32, bit: u32, open: ptr<function, u32>, errors: ptr<function, Errors>) -> u32 {
    let measure = params.partials != 0u;
    if measure {
        expect_errors(errors, source.largest);
    }
    var x = source.values;
    var words: array<u32, BLOCK_WORDS>;
    let scheme = scheme_of(&x, source.largest);
    let near = encode(scheme, &x, &words, measure, errors);
    *open |= select(0u, 1u << bit, near || scheme.exact || source.foreign);

    let byte = block * BLOCK_BYTES;
    let word = params.word_first + (byte >> 2u);
    let room = params.words - (byte >> 2u);
    // A block that begins within a word is moved up by half a word, behind the end of its neighbour; one that ends within a word
    // writes the rest of it too, and its neighbour writes that again.
    let odd = (byte & 2u) != 0u;
    var before = carry;
    for (var i = 0u; i < BLOCK_WORDS; i++) {
        if i < room {
            blocks[word + i] = select(words[i], before | (words[i] << 16u), odd);
        }
        before = words[i] >> 16u;
    }
    return words[BLOCK_WORDS - 1u] & 0xffffu;
}

// Counts what is not finite in a block, and decides codes by integers: those that the proposal doubted, or all.
fn settle_block(block: u32, errors: ptr<function, Errors>) {
    let source = read_block(block);
    var values = source.values;
    let scheme = scheme_of(&values, source.largest);
    let first_quad = params.source_first + block * QUADS;
    // Values are read again: an array indexed by a variable would be put into memory, and slow down all of the kernel. The mask is
    // made first, for the loop that settles is long, and lanes wait for each other in it.
    var doubt = 0u;
    for (var q = 0u; q < params.quads; q++) {
        let raw = source_quad(first_quad + q);
        let index = block * BLOCK_LEN + 4u * q;
        if source.foreign && index < params.elements {
            note_non_finite(params.slot, index, params.elements - index, raw, OVERFLOW);
        }
        doubt |= select(doubtful(propose(scheme, finite(raw))), 15u, scheme.exact) << (4u * q);
    }
    for (; doubt != 0u; doubt &= doubt - 1u) {
        settle(block, scheme, firstTrailingBit(doubt), first_quad, errors);
    }
}

fn settle(block: u32, scheme: Scheme, i: u32, first_quad: u32, errors: ptr<function, Errors>) {
    let quad = finite(source_quad(first_quad + (i >> 2u)));
    let x = quad[i & 3u];
    let code = settled_code(scheme, x);
    for (var part = 0u; part < CODE_PARTS; part++) {
        let place = code_bits(i, part, code);
        let byte = 4u * params.word_first + block * BLOCK_BYTES + place.byte;
        let shift = (byte & 3u) * 8u + place.shift;
        let mask = ((1u << place.width) - 1u) << shift;
        blocks[byte >> 2u] = (blocks[byte >> 2u] & ~mask) | ((place.value << shift) & mask);
    }
    if params.partials != 0u {
        add_error(errors, x, decoded_code(scheme, code));
    }
}
