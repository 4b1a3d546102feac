//! Bytes that outside makers made (`scripts/golden.py`), from the kernels and from the twins.

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use weighbridge::format::{self, Element, Format, NonFinite};
use weighbridge::io::Model;

use crate::data::{assert_same, gpu, on_gpu};
use crate::twins::all_formats;

static GOLDEN: &[u8] = include_bytes!("../golden/golden.safetensors");
static LAYER: &[u8] = include_bytes!("../../data/minilm-layer0.safetensors");

fn element(dtype: Dtype) -> Element {
    match dtype {
        Dtype::F32 => Element::F32,
        Dtype::BF16 => Element::Bf16,
        other => panic!("no input is {other:?}"),
    }
}

/// The formats that have an outside maker: all but F32 itself.
fn made_outside() -> Vec<Format> {
    all_formats().into_iter().filter(|f| f.family != "f32").collect()
}

#[test]
fn every_case_of_the_makers() {
    let file = SafeTensors::deserialize(GOLDEN).unwrap();
    let mut compared = 0;
    for name in file.names() {
        let Some(case) = name.strip_prefix("input/") else { continue };
        let input = file.tensor(name).unwrap();
        let shape: Vec<u64> = input.shape().iter().map(|d| *d as u64).collect();
        let element = element(input.dtype());
        let values = element.widen(input.data());
        for format in made_outside() {
            let planes = format.planes(shape[0], shape[1]);
            let Ok(_) = file.tensor(&format!("{format}/{case}/{}", planes[0].0)) else { continue };
            let twin = format::encode(&format, case, &values, shape[1] as usize, NonFinite::Reject).unwrap();
            let kernel = on_gpu(gpu(), &format, &shape, element, input.data(), NonFinite::Reject);
            for (i, (plane, _)) in planes.iter().enumerate() {
                let want = file.tensor(&format!("{format}/{case}/{plane}")).unwrap();
                assert_same(&format!("twin, {format} of {case}, {plane}"), &twin.planes[i], want.data());
                assert_same(&format!("kernel, {format} of {case}, {plane}"), &kernel[i], want.data());
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 360, "planes");
}

#[test]
fn the_whole_layer() {
    let file = SafeTensors::deserialize(GOLDEN).unwrap();
    let model = Model::embedded("layer", LAYER).unwrap();
    let mut compared = 0;
    for format in made_outside() {
        for (source, element) in [("whole_f32", Element::F32), ("whole_bf16", Element::Bf16)] {
            let Ok(want) = file.tensor(&format!("{source}/{format}")) else { continue };
            let mut digest = Sha256::new();
            for entry in model.tensors.iter().filter(|t| t.shape.len() == 2) {
                let bytes = crate::data::bytes_of(&Element::F32.widen(model.bytes(entry)), element);
                on_gpu(gpu(), &format, &entry.shape, element, &bytes, NonFinite::Reject).iter().for_each(|p| digest.update(p));
            }
            assert_eq!(digest.finalize()[..], *want.data(), "{format} of the layer, {source}");
            compared += 1;
        }
    }
    assert_eq!(compared, 28, "14 formats from two types of source");
}
