//! What runs on a device: it fails, and does not skip, where there is none.

mod block;
#[path = "../common/block_maker.rs"]
mod block_maker;
mod coded;
mod data;
mod door;
mod errors;
#[path = "../common/gguf_maker.rs"]
#[allow(dead_code)]
mod gguf_maker;
mod golden;
mod limits;
mod memory;
mod plan;
mod policy;
mod prove;
mod sample;
mod train;
mod train_golden;
mod twins;
mod weigh;
mod witness;
