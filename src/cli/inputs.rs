//! The embedded inputs: what the tour shows and `prove` measures, on any machine and without a network.

use crate::error::Result;
use crate::io::Model;

/// encoder.layer.0 of all-MiniLM-L6-v2, F32 (Apache-2.0).
static LAYER: &[u8] = include_bytes!("../../data/minilm-layer0.safetensors");

/// Four rows of next-token logits of SmolLM2-135M-Instruct, F32 (Apache-2.0).
static LOGITS: &[u8] = include_bytes!("../../data/smollm2-logits.safetensors");

pub(super) fn layer() -> Result<Model> {
    Model::embedded("MiniLM layer 0", LAYER)
}

pub(super) fn logits() -> Result<Model> {
    Model::embedded("SmolLM2 logits", LOGITS)
}
