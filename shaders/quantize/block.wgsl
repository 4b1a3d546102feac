// Quantizes a window of a tensor to a block format, one pass: the scale lives in the block.
//
// Shapes: source [elements] -> blocks [blocks, BLOCK_BYTES], the bytes of the format's files.
// Dispatch: an invocation takes `steps` packs; a pack is the 1 or 2 blocks that fill whole words, so no two write one word.
// The codec of slot `format` proposes a block's codes with floats and lists those it doubts; they are settled by integers.
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
    pack: u32,
    packs_per_group: u32,
    steps: u32,
    lane_stride: u32,
    step_stride: u32,
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
    for (var step = 0u; step < params.steps; step++) {
        let pack = mine.first + step * params.step_stride;
        var carry = 0u;
        for (var member = 0u; member < params.pack; member++) {
            let block = pack * params.pack + member;
            if block < params.blocks {
                carry = quantize_block(block, carry, &errors);
            }
        }
    }
    if mine.invocation < params.partials {
        partials[mine.invocation] = packed_errors(errors);
    }
}

// Returns the last half word of a block that ends within a word, for its neighbour.
fn quantize_block(block: u32, carry: u32, errors: ptr<function, Errors>) -> u32 {
    var x: array<vec4<u32>, QUADS>;
    let first = block * BLOCK_LEN;
    let first_quad = params.source_first + block * QUADS;
    var size = vec4(0u);
    for (var q = 0u; q < QUADS; q++) {
        x[q] = source_quad(first_quad + q);
    }
    if first + BLOCK_LEN > params.elements {
        // What lies behind the last element is not ours to read a meaning into.
        for (var q = 0u; q < QUADS; q++) {
            x[q] = select(vec4(0u), x[q], vec4(first + 4u * q) + vec4(0u, 1u, 2u, 3u) < vec4(params.elements));
        }
    }
    for (var q = 0u; q < QUADS; q++) {
        size = max(size, x[q] & vec4(0x7fffffffu));
    }
    var largest = max(max(size.x, size.y), max(size.z, size.w));
    if largest >= INFINITY_BITS {
        size = vec4(0u);
        for (var q = 0u; q < QUADS; q++) {
            note_non_finite(params.slot, first + 4u * q, x[q]);
            if params.policy != KEEP {
                x[q] = finite(x[q]);
            }
            size = max(size, finite(x[q]) & vec4(0x7fffffffu));
        }
        largest = max(max(size.x, size.y), max(size.z, size.w));
    }
    if params.partials != 0u {
        expect_errors(errors, largest);
    }

    var words: array<u32, BLOCK_WORDS>;
    let encoded = encode(&x, largest, &words, params.partials != 0u, errors);

    let byte = block * BLOCK_BYTES;
    let word = params.word_first + (byte >> 2u);
    var last = words[BLOCK_WORDS - 1u];
    if (byte & 2u) == 0u {
        for (var i = 0u; i < BLOCK_WORDS; i++) {
            blocks[word + i] = words[i];
        }
    } else {
        blocks[word] = carry | (words[0] << 16u);
        for (var i = 1u; i < BLOCK_WORDS; i++) {
            blocks[word + i] = (words[i - 1u] >> 16u) | (words[i] << 16u);
        }
    }
    for (var doubt = encoded.doubt; doubt != 0u; doubt &= doubt - 1u) {
        let i = firstTrailingBit(doubt);
        let quad = finite(source_quad(first_quad + (i >> 2u)));
        let low = select(quad.x, quad.y, (i & 1u) == 1u);
        let high = select(quad.z, quad.w, (i & 1u) == 1u);
        settle_element(encoded, i, select(low, high, (i & 2u) == 2u), 4u * params.word_first + byte, errors);
    }
    if encoded.doubt != 0u {
        last = blocks[word + BLOCK_WORDS - 1u];
    }
    return last & 0xffffu;
}

// Decides one code by integers and writes it into the block, which this invocation owns.
fn settle_element(encoded: Encoded, i: u32, x: u32, block_byte: u32, errors: ptr<function, Errors>) {
    let code = settled_code(encoded, x);
    let place = code_bits(i, code);
    let byte = block_byte + place.byte;
    let shift = (byte & 3u) * 8u + place.shift;
    let mask = ((1u << place.width) - 1u) << shift;
    blocks[byte >> 2u] = (blocks[byte >> 2u] & ~mask) | ((place.value << shift) & mask);
    if params.partials != 0u {
        let decoded = decoded_code(encoded, code);
        let zeroed = magnitude(bitcast<u32>(decoded)) == 0u && magnitude(x) != 0u;
        (*errors).zeroed += select(0u, 1u, zeroed);
        if encoded.small {
            // Measured here; of the others the proposal was, and at a tie it is as wrong as this code.
            add_errors(errors, vec4(x, 0u, 0u, 0u), vec4(decoded, 0.0, 0.0, 0.0));
        }
    }
}
