//! Files cut short and files with flipped bits: an error or a model whose tensors lie in the file, never a panic.

use proptest::prelude::*;
use weighbridge::io::{Model, Value};

use crate::files::safetensors;
use crate::gguf_maker::Maker;

fn whole_safetensors() -> Vec<u8> {
    let header = r#"{"__metadata__":{"format":"pt"},"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},
        "b":{"dtype":"I64","shape":[1],"data_offsets":[16,24]}}"#;
    safetensors(header, &[7; 24])
}

/// Reads all that a model offers, if it is one.
fn walk(bytes: Vec<u8>) {
    let len = bytes.len() as u64;
    let Ok(model) = Model::parse("hostile", bytes) else { return };
    for tensor in &model.tensors {
        assert_eq!(model.bytes(tensor).len() as u64, tensor.bytes());
        let _ = tensor.elements();
    }
    let total: u64 = model.tensors.iter().map(weighbridge::io::Entry::bytes).sum();
    assert!(total <= len, "tensors overlap or lie outside of the file");
    for (_, value) in &model.metadata {
        if let Value::Array(array) = value {
            assert!(array.len <= len, "an array longer than the file");
            assert_eq!(model.elements(array).count() as u64, array.len);
        }
    }
}

#[test]
fn cut_at_every_byte() {
    for whole in [Maker::sample().bytes(), whole_safetensors()] {
        assert!(Model::parse("whole", whole.clone()).is_ok());
        for length in 0..whole.len() {
            let error = Model::parse("cut", whole[..length].to_vec()).unwrap_err();
            assert!(matches!(error, weighbridge::Error::Malformed { .. }), "{length}: {error}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes(gguf in any::<bool>(), flips in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = if gguf { Maker::sample().bytes() } else { whole_safetensors() };
        for (index, byte) in flips {
            let at = index.index(bytes.len());
            bytes[at] = byte;
        }
        walk(bytes);
    }

    #[test]
    fn numbers_of_extreme_sizes(gguf in any::<bool>(), at in any::<prop::sample::Index>(), number in prop_oneof![
        Just(u64::MAX), Just(1_u64 << 63), Just(1 << 32), Just(u64::from(u32::MAX)), Just(0), any::<u64>(),
    ]) {
        let mut bytes = if gguf { Maker::sample().bytes() } else { whole_safetensors() };
        let at = at.index(bytes.len() - 8);
        bytes[at..at + 8].copy_from_slice(&number.to_le_bytes());
        walk(bytes);
    }
}

#[test]
fn safetensors_that_lie() {
    let cases = [
        (
            r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            "a second time",
        ),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, ""),
        (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, ""),
        (r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, ""),
        (r#"{"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}}"#, "F99"),
        (r#"{"a":{"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]}}"#, ""),
        (r#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}}"#, ""),
        (r#"[1,2]"#, ""),
    ];
    for (header, word) in cases {
        let error = Model::parse("lie.safetensors", safetensors(header, &[0; 8])).unwrap_err();
        assert!(matches!(error, weighbridge::Error::Malformed { .. }) && error.to_string().contains(word), "{header}: {error}");
        assert!(error.to_string().contains("lie.safetensors"));
    }
    let deep = safetensors(&"[".repeat(100_000), &[]);
    assert!(Model::parse("deep", deep).is_err());
}
