//! Values that are not finite, and rows that do not fill groups.

use weighbridge::Error;
use weighbridge::format::{self, Element, Format, NonFinite};
use weighbridge::quantize::{QuantizeOptions, quantize};
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
fn every_class_of_bit_pattern_to_bf16() {
    // All upper halves with the lower halves at which rounding turns: NaN payloads, infinities, subnormals, both zeros, all ties.
    let lower = [0_u32, 1, 0x7fff, 0x8000, 0x8001, 0xffff];
    let x: Vec<f32> =
        (0..=u16::MAX).flat_map(|upper| lower.map(|low| f32::from_bits((u32::from(upper) << 16) | low))).collect();
    let want: Vec<u8> = x.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
    let format: Format = "bf16".parse().unwrap();
    let got = crate::data::on_gpu(gpu(), &format, &[6, 65_536], Element::F32, &bytes_of(&x, Element::F32), NonFinite::Keep);
    assert_same("bf16 against half", &got[0], &want);
}
