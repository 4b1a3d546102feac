// What is known of a chunk whose tokens race, between the floats that propose and the integers that decide.

// Two scores further apart than this are in the order in which floats see them.
const MARGIN: f32 = 0.00390625;
// Logits from here on, times the rate, are not told apart by floats.
const LARGE: f32 = 1024.0;
// The score of a chunk that floats cannot tell.
const UNSURE: u32 = 0xffffffffu;
// Instead of a quad: any token of the chunk.
const WHOLE_CHUNK: u32 = 0xfffffu;
