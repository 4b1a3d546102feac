// The words of a block, of which a file's row of bytes may hold half a word before. The kernel binds that row as `blocks`.
//
// `word_first` is the word of `blocks` at which block 0 begins.
fn block_words(block: u32, word_first: u32, words: ptr<function, array<u32, BLOCK_WORDS>>) {
    let byte = block * BLOCK_BYTES;
    let word = word_first + (byte >> 2u);
    if (byte & 2u) == 0u {
        for (var i = 0u; i < BLOCK_WORDS; i++) {
            (*words)[i] = blocks[word + i];
        }
    } else {
        for (var i = 0u; i < BLOCK_WORDS; i++) {
            (*words)[i] = (blocks[word + i] >> 16u) | (blocks[word + i + 1u] << 16u);
        }
    }
}
