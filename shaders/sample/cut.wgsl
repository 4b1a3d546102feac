// What survives of a row: an interval of the total order.
#import sample/order

// Keys from `top` down to `key`; of that the ids up to `id`.
struct Cut {
    top: u32,
    key: u32,
    id: u32,
}

fn alive(key: u32, id: u32, cut: Cut) -> bool {
    return key <= cut.top && before(key, id, cut.key, cut.id);
}

fn alive4(keys: vec4<u32>, ids: vec4<u32>, cut: Cut) -> vec4<bool> {
    return (keys <= vec4(cut.top)) & ((keys > vec4(cut.key)) | ((keys == vec4(cut.key)) & (ids <= vec4(cut.id))));
}

// Every candidate; where a logit is infinite, only its like.
fn uncut(best: u32) -> Cut {
    return Cut(best, select(LOWEST, INFINITE, best == INFINITE), NO_TOKEN);
}
