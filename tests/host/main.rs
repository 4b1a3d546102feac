//! What needs no device: the shape of the code, the shaders through naga's back ends, the command line.

mod architecture;
mod block;
#[path = "../common/block_maker.rs"]
mod block_maker;
mod cli;
mod files;
mod footprint;
mod gguf;
#[path = "../common/gguf_maker.rs"]
mod gguf_maker;
mod hostile;
mod sample;
mod shaders;
