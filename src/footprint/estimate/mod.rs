//! What formulas say of memory, in bytes. Pure functions: each names its source and what it assumes, and none asks a device.

mod activations;
mod allocator;
mod cache;
mod needs;
mod peers;
mod shards;
mod weights;

pub use activations::{article_activations, block_of, c_of_block, korthikanti, korthikanti_c, saved_bytes, working_bytes};
pub use allocator::{Allocator, Policy, Ticket, WGPU_OWN};
pub use cache::{kv_cache, layer_cache, logits, staging};
pub use needs::{Ground, MOST_TOKENS, Need, PROMPT, STAGING, Serving, learning_needs, requested, serving_needs, state_needs};
pub use peers::{Peer, Question, peers};
pub use shards::{Job, Shard, fewest_gpus, heuristic_gpus, shard};
pub(super) use weights::of_tensor;
pub use weights::{ClassWeights, Storing, Weights, weights};
