//! What a draw means, checked on the twin: against outside makers, an independent reference, and statistics.

mod reference;
mod statistics;
mod tables;

use std::sync::OnceLock;

/// The 16 real rows of `tests/golden/smollm2-logits.safetensors`, [16, 49152].
pub fn real_rows() -> &'static [Vec<f32>] {
    static ROWS: OnceLock<Vec<Vec<f32>>> = OnceLock::new();
    ROWS.get_or_init(|| {
        let bytes = include_bytes!("../../golden/smollm2-logits.safetensors");
        let file = safetensors::SafeTensors::deserialize(bytes).unwrap();
        let tensor = file.tensor("logits").unwrap();
        let all: Vec<f32> = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        all.chunks_exact(tensor.shape()[1]).map(<[f32]>::to_vec).collect()
    })
}
