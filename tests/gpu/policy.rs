//! Values that are not finite, and rows that do not fill groups.

use weighbridge::Error;
use weighbridge::format::{self, Element, Format, NonFinite};
use weighbridge::quantize::{QuantizeOptions, dequantize, quantize};
use weighbridge::tensor::Tensor;

use crate::data::{Words, assert_same, bytes_of, gpu};
use crate::twins::all_formats;

fn spoiled() -> Vec<f32> {
    let mut words = Words(9);
    let mut x: Vec<f32> = (0..40 * 256).map(|_| words.weight()).collect();
    x[5000] = f32::NAN;
    x[5001] = f32::INFINITY;
    x[9999] = f32::NEG_INFINITY;
    x[10_239] = f32::from_bits(0xff80_0001);
    x
}

#[test]
fn rejected_with_tensor_index_and_value() {
    for element in [Element::F32, Element::Bf16] {
        let mut x = spoiled();
        x[4999] = f32::INFINITY;
        let source = Tensor::upload(gpu(), "weight/spoiled", &[40, 256], element, &bytes_of(&x, element)).unwrap();
        for format in all_formats() {
            match quantize(gpu(), &source, &format, &QuantizeOptions::default()).unwrap_err() {
                Error::NonFinite { tensor, index, value, count } => {
                    assert_eq!((tensor.as_str(), index, value, count), ("weight/spoiled", 4999, f32::INFINITY, 5), "{format}");
                }
                other => panic!("{format}: {other}"),
            }
        }
    }
}

#[test]
fn saturated_and_kept_as_in_the_twin() {
    let x = spoiled();
    let source = Tensor::upload(gpu(), "weight/spoiled", &[40, 256], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    for format in all_formats() {
        for policy in [NonFinite::Saturate, NonFinite::Keep] {
            let mut options = QuantizeOptions::default();
            options.non_finite = policy;
            if policy == NonFinite::Keep && !format.holds_non_finite {
                let error = quantize(gpu(), &source, &format, &options).unwrap_err();
                assert!(matches!(error, Error::Unsupported { .. }), "{error}");
                continue;
            }
            let twin = format::encode(&format, "twin", &x, 256, policy).unwrap();
            let (tensor, errors) = quantize(gpu(), &source, &format, &options).unwrap();
            for (got, want) in tensor.download(gpu()).unwrap().iter().zip(&twin.planes) {
                assert_same(&format!("{format} {policy:?}"), got, want);
            }
            assert_eq!((errors.non_finite, errors.clipped), (4, twin.errors.clipped), "{format} {policy:?}");
        }
    }
}

#[test]
fn rows_that_do_not_fill_groups_are_an_error() {
    let x = [0.5_f32; 3 * 45];
    let source = Tensor::upload(gpu(), "weight/tail", &[3, 45], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    let int4: Format = "int4:g32".parse().unwrap();
    let error = quantize(gpu(), &source, &int4, &QuantizeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("multiple of 32") && error.to_string().contains("45"), "{error}");
}

#[test]
fn what_f16_cannot_hold_goes_by_the_policy() {
    let mut x = [0.5_f32; 3 * 32];
    (x[40], x[41], x[42]) = (65_519.0, -65_520.0, 1e30);
    let source = Tensor::upload(gpu(), "weight/large", &[3, 32], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    let f16: Format = "f16".parse().unwrap();
    let error = quantize(gpu(), &source, &f16, &QuantizeOptions::default()).unwrap_err();
    assert!(matches!(error, Error::NonFinite { index: 41, value: -65_520.0, count: 2, .. }), "{error}");
    assert!(error.to_string().contains("beyond the format's range"), "{error}");
    for (policy, codes) in [(NonFinite::Saturate, [0x7bff, 0xfbff, 0x7bff]), (NonFinite::Keep, [0x7bff, 0xfc00, 0x7c00])] {
        let mut options = QuantizeOptions::default();
        options.non_finite = policy;
        let (tensor, errors) = quantize(gpu(), &source, &f16, &options).unwrap();
        let bytes = tensor.download(gpu()).unwrap().remove(0);
        let got: [u16; 3] = [80, 82, 84].map(|at| u16::from_le_bytes([bytes[at], bytes[at + 1]]));
        assert_eq!((got, errors.non_finite), (codes, 2), "{policy:?}");
    }
}

#[test]
fn scales_beyond_f16_go_by_the_policy() {
    let mut x = [0.5_f32; 4 * 128];
    (x[200], x[201], x[400]) = (1e7, -3e6, 1e30);
    let source = Tensor::upload(gpu(), "weight/large", &[4, 128], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    for name in ["int8:f16", "int8:tensor:f16", "int4:f16", "int4:asym:f16"] {
        let format: Format = name.parse().unwrap();
        let on_device = quantize(gpu(), &source, &format, &QuantizeOptions::default()).unwrap_err().to_string();
        let twin = format::encode(&format, "weight/large", &x, 128, NonFinite::Reject).unwrap_err().to_string();
        assert_eq!(on_device, twin);
        assert!(on_device.contains("65504"), "{on_device}");
        let mut options = QuantizeOptions::default();
        options.non_finite = NonFinite::Saturate;
        let (tensor, errors) = quantize(gpu(), &source, &format, &options).unwrap();
        let twin = format::encode(&format, "twin", &x, 128, NonFinite::Saturate).unwrap();
        for (got, want) in tensor.download(gpu()).unwrap().iter().zip(&twin.planes) {
            assert_same(name, got, want);
        }
        let ratio = errors.squared_error / twin.errors.squared_error;
        assert!((ratio - 1.0).abs() < 2e-5, "{name}: {errors:?} {:?}", twin.errors);
    }
}

/// All upper halves with the lower halves at which rounding turns: NaN payloads, infinities, subnormals, both zeros, all ties.
fn every_class_of_bit_pattern(name: &str, lower: &[u32], half: fn(f32) -> [u8; 2]) {
    let with_upper = |upper: u16| lower.iter().map(move |low| f32::from_bits((u32::from(upper) << 16) | low));
    let x: Vec<f32> = (0..=u16::MAX).flat_map(with_upper).collect();
    let want: Vec<u8> = x.iter().flat_map(|x| half(*x)).collect();
    let format: Format = name.parse().unwrap();
    let shape = [lower.len() as u64, 65_536];
    let got = crate::data::on_gpu(gpu(), &format, &shape, Element::F32, &bytes_of(&x, Element::F32), NonFinite::Keep);
    assert_same(&format!("{name} against half"), &got[0], &want);
}

#[test]
fn every_class_of_bit_pattern_to_bf16() {
    let lower = [0, 1, 0x7fff, 0x8000, 0x8001, 0xffff];
    every_class_of_bit_pattern("bf16", &lower, |x| half::bf16::from_f32(x).to_le_bytes());
}

#[test]
fn every_class_of_bit_pattern_to_f16() {
    let lower = [0, 1, 0xfff, 0x1000, 0x1001, 0x2000, 0x2fff, 0x3000, 0x3001, 0x7fff, 0x8000, 0xffff];
    every_class_of_bit_pattern("f16", &lower, |x| half::f16::from_f32(x).to_le_bytes());
}

#[test]
fn every_f16_comes_back() {
    let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
    let source = Tensor::upload(gpu(), "weight/halves", &[65_536], Element::F16, &bytes).unwrap();
    let mut options = QuantizeOptions::default();
    options.non_finite = NonFinite::Keep;
    let (tensor, _) = quantize(gpu(), &source, &"f16".parse().unwrap(), &options).unwrap();
    let values = dequantize(gpu(), &tensor).unwrap().download(gpu()).unwrap();
    assert_same("halves as F32", &values[0], &bytes_of(&Element::F16.widen(&bytes), Element::F32));
}
