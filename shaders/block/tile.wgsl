// A tile of weights that a workgroup shares, and room for a head's values: invocation i has values i, i + LANES, ...
#import block/params
#import block/sum

const LOWEST: f32 = -3.0e38;
// A head has at most SLOTS LANES values; src/block/kernels.rs checks it.
const SLOTS: u32 = 8u;

var<workgroup> tile: array<f32, LANES>;
var<workgroup> second_tile: array<f32, LANES>;

fn slots() -> u32 {
    return (params.dim + LANES - 1u) / LANES;
}
