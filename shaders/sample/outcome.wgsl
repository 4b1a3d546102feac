// What a row's kernel is given, and what it leaves behind.
#import sample/record
#import sample/cut

// [rows] as in the record; then how many rows are pending, and which.
@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;
// [rows, draws] tokens; then [rows] (status, kept).
@group(0) @binding(7) var<storage, read_write> tokens: array<u32>;
// [rows, memory_words]: as in the record; then tokens seen, in a ring.
@group(0) @binding(8) var<storage, read_write> memory: array<u32>;

const OK: u32 = 0u;
const NAN: u32 = 1u;
const INF: u32 = 2u;
const EMPTY: u32 = 3u;

var<workgroup> drawn_first: u32;

// The row of a workgroup: of those that are listed for the dispatch, or of those pending.
fn row_of(index: u32) -> u32 {
    if params.pending == 1u {
        return atomicLoad(&step[STEP_WORDS * params.rows + 1u + index]);
    }
    return listed_row(index);
}

fn add_pending(row: u32) {
    let at = atomicAdd(&step[STEP_WORDS * params.rows], 1u);
    atomicStore(&step[STEP_WORDS * params.rows + 1u + at], row);
}

// Copies a row's record; there are at least 60 invocations.
fn load_record(row: u32, lane: u32) {
    if lane < PROGRAM_WORDS {
        record[lane] = programs[row * PROGRAM_WORDS + lane];
    } else if lane < BEST {
        record[lane] = memory[row * params.memory_words + lane - PROGRAM_WORDS];
    } else if lane < BEST + STEP_WORDS {
        record[lane] = atomicLoad(&step[row * STEP_WORDS + lane - BEST]);
    }
    workgroupBarrier();
}

fn put_cut(row: u32, kept: u32, cut: Cut, lane: u32) {
    let word = select(select(select(kept, cut.id, lane == 2u), cut.key, lane == 1u), cut.top, lane == 0u);
    if lane < 4u {
        atomicStore(&step[row * STEP_WORDS + CUT - BEST + lane], word);
    }
}

fn put_token(row: u32, place: u32, id: u32, key: u32) {
    tokens[row * params.draws + place] = id;
    if place == 0u {
        drawn_first = id;
        atomicStore(&step[row * STEP_WORDS + DRAWN - BEST], key);
    }
}

// Writes down what became of a row, once its tokens are put; all invocations call it.
fn settle(row: u32, kept: u32, lane: u32) {
    workgroupBarrier();
    let best = record[BEST];
    let status = select(select(select(OK, NAN, record[NAN_SEEN] != 0u), INF, best == INFINITE), EMPTY, best == EXCLUDED);
    if lane < 2u {
        tokens[params.rows * params.draws + 2u * row + lane] = select(status, kept, lane == 1u);
    }
    if lane == 0u {
        atomicStore(&step[row * STEP_WORDS + KEPT - BEST], kept);
    }
    // The first token of a draw is remembered, for the penalties to come.
    let room = params.memory_words - MEMORY_WORDS;
    let remembers = params.remembers == 1u && room > 0u && drawn_first != NO_TOKEN;
    let position = add64(vec2(record[POSITION], record[POSITION + 1u]), vec2(1u, 0u));
    var word = select(position.x, position.y, lane == 1u);
    word = select(word, record[PROMPT], lane == 2u);
    word = select(word, record[TOKENS] + u32(remembers), lane == 3u);
    word = select(word, drawn_first, lane == 4u);
    let to = select(lane, MEMORY_WORDS + record[TOKENS] % max(room, 1u), lane == 4u);
    if lane < 4u + u32(remembers) {
        memory[row * params.memory_words + to] = word;
    }
}
