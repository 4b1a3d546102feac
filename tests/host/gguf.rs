//! GGUF files, made here: whole ones, split ones, and every way to be broken that has a name.

use weighbridge::Error;
use weighbridge::format::Element;
use weighbridge::io::{Model, Stored, Value};

use crate::files::file;
use crate::gguf_maker::{Maker, value};

#[test]
fn a_whole_file_is_read() {
    let model = Model::parse("sample.gguf", Maker::sample().bytes()).unwrap();
    let names: Vec<_> = model.tensors.iter().map(|t| (t.name.as_str(), t.dtype.as_str(), t.shape.clone(), t.bytes())).collect();
    assert_eq!(names, [("blk.0.attn_q.weight", "F32", vec![2, 32], 256), ("output.weight", "Q8_0", vec![3, 32], 102)]);
    assert_eq!(model.tensors[0].stored, Stored::Plain(Element::F32));
    assert_eq!(model.tensors[1].stored, Stored::Coded("q8_0".parse().unwrap()));
    assert_eq!(model.parameters(), 160);
    assert_eq!(model.value("general.architecture").and_then(Value::as_text), Some("llama"));
    assert_eq!(model.value("llama.block_count").and_then(Value::as_u64), Some(1));
    let elements = |key: &str| match model.value(key) {
        Some(Value::Array(array)) => model.elements(array).collect::<Vec<_>>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(elements("numbers"), [Value::Unsigned(7), Value::Unsigned(8)]);
    assert_eq!(elements("words"), [Value::Text("a".into()), Value::Text("bc".into())]);
}

#[test]
fn types_that_are_not_read_are_listed() {
    let k_quant = Maker::sample().with(|m| {
        m.tensors = vec![("blk.0.ffn_down.weight".into(), vec![256, 2], 12, 0), ("ids".into(), vec![4], 26, 288)];
        m.data = vec![0; 288 + 16];
    });
    let model = Model::parse("k.gguf", k_quant.bytes()).unwrap();
    let listed: Vec<_> = model.tensors.iter().map(|t| (t.dtype.as_str(), t.bytes(), t.is_float)).collect();
    assert_eq!(listed, [("Q4_K", 288, true), ("I32", 16, false)]);
    assert!(model.tensors.iter().all(|t| t.stored == Stored::Opaque));
}

/// What opening says against a file.
fn complaint(maker: &Maker) -> String {
    match Model::parse("broken.gguf", maker.bytes()) {
        Err(error @ (Error::Malformed { .. } | Error::Unsupported { .. })) => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_lie_is_named() {
    let key = |kind: u32, bytes: &[u8]| vec![("k".to_owned(), value(kind, bytes))];
    let array = |kind: u32, len: u64| [&kind.to_le_bytes()[..], &len.to_le_bytes()].concat();
    let nested = (0..8).fold(array(0, 0), |inner, _| [array(9, 1), inner].concat());
    type Change = Box<dyn FnOnce(&mut Maker)>;
    let cases: Vec<(&str, Change)> = vec![
        ("version 1", Box::new(|m| m.version = 1)),
        ("version 99", Box::new(|m| m.version = 99)),
        ("big-endian", Box::new(|m| m.version = 3_u32.swap_bytes())),
        ("a second time", Box::new(|m| m.metadata.push(m.metadata[0].clone()))),
        ("\"output.weight\" a second time", Box::new(|m| m.tensors[0].0 = "output.weight".into())),
        ("unknown type 77", Box::new(|m| m.tensors[0].2 = 77)),
        ("unknown type 36", Box::new(|m| m.tensors[0].2 = 36)),
        ("unknown type 13", Box::new(move |m| m.metadata = key(13, &[0; 8]))),
        ("no whole blocks", Box::new(|m| m.tensors[1].1 = vec![33, 3])),
        ("5 dimensions", Box::new(|m| m.tensors[0].1 = vec![1; 5])),
        ("64 bits", Box::new(|m| m.tensors[0].1 = vec![1 << 40, 1 << 40])),
        ("beyond the end", Box::new(|m| m.tensors[0].1 = vec![1 << 62, 1])),
        ("beyond the end", Box::new(|m| m.tensors[1].3 = 1 << 40)),
        ("beyond the end", Box::new(|m| m.tensors[1].3 = u64::MAX - 31)),
        ("multiple of the alignment", Box::new(|m| m.tensors[1].3 = 257)),
        ("overlap", Box::new(|m| m.tensors[1].3 = 224)),
        ("power of two", Box::new(|m| m.metadata.push(("general.alignment".into(), value(4, &24_u32.to_le_bytes()))))),
        ("power of two", Box::new(|m| m.metadata.push(("general.alignment".into(), value(4, &[0; 4]))))),
        ("a bool of 2", Box::new(|m| m.metadata.push(("b".into(), value(7, &[2]))))),
        ("too deep", Box::new(move |m| m.metadata.push(("n".into(), value(9, &nested))))),
        ("the file has", Box::new(move |m| m.metadata.push(("g".into(), value(9, &array(4, 1 << 50)))))),
        ("an array of 2305843009213693952", Box::new(move |m| m.metadata.push(("g".into(), value(9, &array(12, 1 << 61)))))),
        ("the file has", Box::new(move |m| m.metadata.push(("g".into(), value(9, &array(8, u64::MAX)))))),
        ("an array of", Box::new(move |m| m.metadata.push(("g".into(), value(9, &array(9, u64::MAX)))))),
        ("no UTF-8", Box::new(|m| m.metadata.push(("u".into(), value(8, &[1, 0, 0, 0, 0, 0, 0, 0, 0xff]))))),
    ];
    for (word, change) in cases {
        let complaint = complaint(&Maker::sample().with(change));
        assert!(complaint.contains(word) && complaint.contains("broken.gguf"), "{word}: {complaint}");
    }
}

#[test]
fn parts_find_each_other() {
    let part = |number: u16, tensor: &str| {
        Maker::sample().with(|m| {
            m.metadata.push(("split.no".into(), value(2, &number.to_le_bytes())));
            m.metadata.push(("split.count".into(), value(2, &2_u16.to_le_bytes())));
            m.metadata.push(("split.tensors.count".into(), value(5, &2_i32.to_le_bytes())));
            m.tensors = vec![(tensor.into(), vec![32, 2], 0, 0)];
        })
    };
    let one = file("part-00001-of-00002.gguf", &part(0, "a.weight").bytes());
    let two = file("part-00002-of-00002.gguf", &part(1, "b.weight").bytes());
    for path in [&one, &two] {
        let model = Model::open(path).unwrap();
        assert_eq!(model.tensors.iter().map(|t| t.name.as_str()).collect::<Vec<_>>(), ["a.weight", "b.weight"]);
        assert!(model.tensors.iter().all(|t| model.bytes(t).len() == 256));
    }
    let twice = |name: &str, bytes: &[u8]| Model::open(&file(name, bytes)).unwrap_err().to_string();
    file("same-00002-of-00002.gguf", &part(1, "a.weight").bytes());
    assert!(twice("same-00001-of-00002.gguf", &part(0, "a.weight").bytes()).contains("a second time"));
    assert!(twice("alone-00001-of-00002.gguf", &part(0, "a.weight").bytes()).contains("alone-00002-of-00002.gguf"));
    assert!(twice("renamed.gguf", &part(0, "a.weight").bytes()).contains("-00001-of-00002.gguf"));
    file("order-00002-of-00002.gguf", &part(0, "b.weight").bytes());
    assert!(twice("order-00001-of-00002.gguf", &part(0, "a.weight").bytes()).contains("not part 2"));
}
