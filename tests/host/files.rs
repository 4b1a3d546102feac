//! Files that are whole, and files that are not.

use std::io::Write;
use std::path::PathBuf;

use weighbridge::Error;
use weighbridge::footprint::{Device, WeighOptions, WeighTail, weigh};
use weighbridge::io::Model;

/// A file of its own in the target's folder for tests.
pub fn file(name: &str, bytes: &[u8]) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    path
}

/// A safetensors file: its header, and as many bytes as are given.
pub fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

fn f32s(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

#[test]
fn a_mixed_model_is_weighed_by_type() {
    let half: Vec<u8> = (0..64).flat_map(|i| half::f16::from_f32(i as f32 / 64.0).to_le_bytes()).collect();
    let data = [f32s(&[0.25; 64]), half, vec![0; 16]].concat();
    let header = r#"{"a.weight":{"dtype":"F32","shape":[2,32],"data_offsets":[0,256]},
        "b.weight":{"dtype":"F16","shape":[2,32],"data_offsets":[256,384]},
        "ids":{"dtype":"I64","shape":[1,2],"data_offsets":[384,400]}}"#;
    let model = Model::open(&file("mixed.safetensors", &safetensors(header, &data))).unwrap();
    assert_eq!(model.parameters(), 128);
    let q8_0 = ["q8_0".parse().unwrap()];
    let report = weigh(&model, &q8_0, &Device::Cpu, &WeighOptions::default(), &mut |_| ()).unwrap();
    let precision = &report.precisions[0];
    assert_eq!(precision.estimated_bytes, 128);
    assert_eq!(precision.line("scales"), Some(8));
    assert_eq!(precision.line("kept"), Some(16), "the integers, which are no parameters");
    assert_eq!(precision.requested_bytes, 4 * 34 + 16);
}

#[test]
fn tails_are_kept_padded_or_refused() {
    let header = r#"{"a.weight":{"dtype":"F32","shape":[2,33],"data_offsets":[0,264]}}"#;
    let model = Model::open(&file("tail.safetensors", &safetensors(header, &f32s(&[0.5; 66])))).unwrap();
    let q8_0 = ["q8_0".parse().unwrap()];
    let mut options = WeighOptions::default();
    let report = weigh(&model, &q8_0, &Device::Cpu, &options, &mut |_| ()).unwrap();
    assert_eq!(report.precisions[0].tensors[0].kept, Some("its rows do not fill groups"));
    options.tail = WeighTail::Pad;
    let report = weigh(&model, &q8_0, &Device::Cpu, &options, &mut |_| ()).unwrap();
    assert_eq!(report.precisions[0].line("block_padding"), Some(2 * 31));
    options.tail = WeighTail::Error;
    assert!(matches!(weigh(&model, &q8_0, &Device::Cpu, &options, &mut |_| ()), Err(Error::Shape { .. })));
}

#[test]
fn shards_are_found_by_their_index() {
    let one = safetensors(r#"{"a.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}"#, &f32s(&[1.0, 2.0]));
    let two = safetensors(r#"{"b.weight":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]}}"#, &[0; 4]);
    file("m-00001-of-00002.safetensors", &one);
    file("m-00002-of-00002.safetensors", &two);
    let index = |map: &str| file("m.safetensors.index.json", format!(r#"{{"metadata":{{}},"weight_map":{map}}}"#).as_bytes());
    let whole = index(r#"{"a.weight":"m-00001-of-00002.safetensors","b.weight":"m-00002-of-00002.safetensors"}"#);
    let model = Model::open(&whole).unwrap();
    assert_eq!(model.tensors.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a.weight", "b.weight"]);
    assert_eq!(model.bytes(&model.tensors[0]), f32s(&[1.0, 2.0]));

    let lacking = index(r#"{"a.weight":"m-00001-of-00002.safetensors","c.weight":"m-00001-of-00002.safetensors"}"#);
    assert!(Model::open(&lacking).unwrap_err().to_string().contains("c.weight"));
    let elsewhere = index(r#"{"a.weight":"../m-00001-of-00002.safetensors"}"#);
    assert!(matches!(Model::open(&elsewhere), Err(Error::Malformed { .. })));
}

#[test]
fn damaged_files_are_errors() {
    let header = r#"{"a.weight":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#;
    let whole = safetensors(header, &f32s(&[1.0, 2.0, 3.0, 4.0]));
    for length in 0..whole.len() {
        let error = Model::open(&file("cut.safetensors", &whole[..length])).unwrap_err();
        assert!(matches!(error, Error::Malformed { .. } | Error::File { .. }), "{length}: {error}");
    }
    let huge = safetensors(r#"{"a":{"dtype":"F32","shape":[18446744073709551615,2],"data_offsets":[0,16]}}"#, &[0; 16]);
    assert!(Model::open(&file("huge.safetensors", &huge)).is_err());
}
