//! Makes GGUF files, whole ones and broken ones.

/// A GGUF file in the making.
#[derive(Clone)]
pub struct Maker {
    pub version: u32,
    pub metadata: Vec<(String, Vec<u8>)>,
    /// Name, dimensions from the contiguous one on, type, offset.
    pub tensors: Vec<(String, Vec<u64>, u32, u64)>,
    pub data: Vec<u8>,
    pub alignment: usize,
}

pub fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

/// A metadata value: its type, then its bytes.
pub fn value(kind: u32, bytes: &[u8]) -> Vec<u8> {
    [&kind.to_le_bytes(), bytes].concat()
}

impl Maker {
    /// Two matrices, F32 and Q8_0, and metadata of several types.
    pub fn sample() -> Self {
        let array = [&4_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &7_u32.to_le_bytes(), &8_u32.to_le_bytes()].concat();
        let words = [&8_u32.to_le_bytes()[..], &2_u64.to_le_bytes(), &text("a"), &text("bc")].concat();
        Self {
            version: 3,
            metadata: vec![
                ("general.architecture".into(), value(8, &text("llama"))),
                ("llama.block_count".into(), value(4, &1_u32.to_le_bytes())),
                ("llama.rope.freq_base".into(), value(6, &1e4_f32.to_le_bytes())),
                ("numbers".into(), value(9, &array)),
                ("words".into(), value(9, &words)),
            ],
            tensors: vec![("blk.0.attn_q.weight".into(), vec![32, 2], 0, 0), ("output.weight".into(), vec![32, 3], 8, 256)],
            data: vec![1; 256 + 3 * 34],
            alignment: 32,
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(self.version.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            out.extend(text(key));
            out.extend(value);
        }
        for (name, dimensions, kind, offset) in &self.tensors {
            out.extend(text(name));
            out.extend((dimensions.len() as u32).to_le_bytes());
            dimensions.iter().for_each(|d| out.extend(d.to_le_bytes()));
            out.extend(kind.to_le_bytes());
            out.extend(offset.to_le_bytes());
        }
        out.resize(out.len().next_multiple_of(self.alignment), 0);
        out.extend(&self.data);
        out
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}
