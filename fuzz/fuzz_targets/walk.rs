//! Reads all that a model offers, if it is one.

use weighbridge::io::{Entry, Model, Value};

pub fn walk(bytes: Vec<u8>) {
    let len = bytes.len() as u64;
    let Ok(model) = Model::parse("fuzz", bytes) else { return };
    for tensor in &model.tensors {
        assert_eq!(model.bytes(tensor).len() as u64, tensor.bytes());
        let _ = tensor.elements();
    }
    assert!(model.tensors.iter().map(Entry::bytes).sum::<u64>() <= len);
    let _ = model.parameters();
    for (_, value) in &model.metadata {
        if let Value::Array(array) = value {
            assert!(array.len <= len);
            assert_eq!(model.elements(array).count() as u64, array.len);
        }
    }
}
