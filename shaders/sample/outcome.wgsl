// What a row's kernel leaves behind.
#import sample/params
#import sample/order
#import sample/program
#import sample/gumbel
#import sample/race

// The best key and whether NaN was seen, of each row; then an indirect dispatch (x, 1, 1) over the rows listed behind it.
@group(0) @binding(6) var<storage, read_write> step: array<atomic<u32>>;
// [rows, draws] tokens; then [rows] (status, kept).
@group(0) @binding(7) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(8) var<storage, read_write> memory: array<u32>;

const OK: u32 = 0u;
const NAN: u32 = 1u;
const INF: u32 = 2u;
const EMPTY: u32 = 3u;

fn best_key(row: u32) -> u32 {
    return atomicLoad(&step[2u * row]);
}

fn add_pending(row: u32) {
    let at = atomicAdd(&step[2u * params.rows], 1u);
    atomicStore(&step[2u * params.rows + 3u + at], row);
}

fn stream_of(row: u32) -> Stream {
    let at = row * params.memory_words + POSITION;
    return Stream(programs[row].seed, vec2(memory[at], memory[at + 1u]), programs[row].stream);
}

// The first token of a draw is remembered for the penalties to come.
fn put_token(row: u32, place: u32, id: u32) {
    tokens[row * params.draws + place] = id;
    let room = params.memory_words - HEADER;
    if place == 0u && id != NO_TOKEN && room > 0u {
        let at = row * params.memory_words;
        let known = memory[at + TOKENS];
        memory[at + HEADER + known % room] = id;
        memory[at + TOKENS] = known + 1u;
    }
}

fn settle(row: u32, best: u32, kept: u32, cut: Cut) {
    let nan = atomicLoad(&step[2u * row + 1u]) != 0u;
    let status = select(select(select(OK, NAN, nan), INF, best == INFINITE), EMPTY, best == EXCLUDED);
    let at = params.rows * params.draws + 2u * row;
    tokens[at] = status;
    tokens[at + 1u] = kept;
    let memo = row * params.memory_words;
    let position = add64(vec2(memory[memo + POSITION], memory[memo + POSITION + 1u]), vec2(1u, 0u));
    memory[memo + POSITION] = position.x;
    memory[memo + POSITION + 1u] = position.y;
    memory[memo + CUT] = best;
    memory[memo + CUT + 1u] = cut.top;
    memory[memo + CUT + 2u] = cut.key;
    memory[memo + CUT + 3u] = cut.id;
}
