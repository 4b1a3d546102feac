//! Every kernel equals its CPU twin, bit for bit.

use proptest::prelude::*;
use weighbridge::format::{self, Element, Format, NonFinite, Storage};
use weighbridge::quantize::{QuantizeOptions, Tail, dequantize, quantize};
use weighbridge::tensor::Tensor;

use crate::data::{Words, assert_same, bytes_of, gpu, on_gpu};

/// Every format with every parameter.
pub fn all_formats() -> Vec<Format> {
    format::all()
}

#[track_caller]
fn check(format: &Format, rows: u64, row_len: u64, element: Element, x: &[f32], policy: NonFinite) {
    let bytes = bytes_of(x, element);
    let x = element.widen(&bytes);
    let twin = format::encode(format, "twin", &x, row_len as usize, policy).unwrap();
    let planes = on_gpu(gpu(), format, &[rows, row_len], element, &bytes, policy);
    for ((name, _), (got, want)) in format.planes(rows, row_len).iter().zip(planes.iter().zip(&twin.planes)) {
        assert_same(&format!("{format} from {element:?} [{rows}, {row_len}] {name}"), got, want);
    }
}

#[test]
fn weights_in_every_format_from_every_type() {
    let mut words = Words(1);
    let x: Vec<f32> = (0..96 * 384).map(|_| words.weight()).collect();
    for format in all_formats() {
        for element in [Element::F32, Element::F16, Element::Bf16] {
            check(&format, 96, 384, element, &x, NonFinite::Reject);
        }
    }
}

#[test]
fn random_bits_of_all_exponents() {
    let mut words = Words(2);
    let finite = |w: u64| Some(f32::from_bits(w as u32)).filter(|x| x.is_finite()).unwrap_or(0.0);
    let x: Vec<f32> = (0..256 * 128).map(|_| finite(words.next())).collect();
    // Rows of one magnitude too, down to subnormals: in mixed rows the largest value hides the others.
    let y: Vec<f32> = (0..256 * 128)
        .map(|i| f32::from_bits((words.next() as u32 & 0x80ff_ffff).wrapping_add((i / 128) << 23)))
        .map(|x| if x.is_finite() { x } else { 0.0 })
        .collect();
    for format in all_formats() {
        // Some of these are beyond the range of F16, and so are some scales.
        let policy = match format.storage {
            _ if format.holds_non_finite => NonFinite::Keep,
            Storage::Scaled(card) if card.half_scales => NonFinite::Saturate,
            _ => NonFinite::Reject,
        };
        check(&format, 256, 128, Element::F32, &x, policy);
        check(&format, 256, 128, Element::F32, &y, policy);
        check(&format, 256, 128, Element::F32, &y, NonFinite::Saturate);
    }
}

fn value() -> impl Strategy<Value = f32> {
    prop_oneof![
        4 => -1.0f32..1.0,
        2 => (-512i32..512).prop_map(|i| i as f32 / 16.0),
        1 => any::<u32>().prop_map(f32::from_bits),
        1 => Just(0.0),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn any_shape_any_values(
        which in 0..format::all().len(),
        rows in 1u64..9,
        groups in 1u64..5,
        odd in 1u64..70,
        scale in prop_oneof![Just(1.0f32), Just(1e-30), Just(1e30), Just(3e-39)],
        seed in proptest::collection::vec(value(), 64),
    ) {
        let format = format::all()[which];
        let row_len = if format.group_len() == 1 { odd } else { groups * format.group_len() };
        let x: Vec<f32> = (0..rows * row_len).map(|i| {
            let i = i as usize;
            let x = seed[i % 64] * scale;
            if (i / 64).is_multiple_of(2) { x } else { x * 0.75 }
        }).collect();
        check(&format, rows, row_len, Element::F32, &x, NonFinite::Saturate);
    }
}

#[test]
fn errors_are_those_of_the_twin() {
    let mut words = Words(3);
    for scale in [1.0_f32, 1e-25, 1e20] {
        let mut x: Vec<f32> = (0..64 * 256).map(|_| words.weight() * scale).collect();
        x[100] = 0.0;
        x[300] = 5.0 * scale;
        let source = Tensor::upload(gpu(), "weight/errors", &[64, 256], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
        for format in all_formats() {
            let halves = matches!(format.storage, Storage::Scaled(card) if card.half_scales);
            if !format.range.holds(5.0 * scale) || (halves && scale > 1.0) {
                continue;
            }
            let twin = format::encode(&format, "twin", &x, 256, NonFinite::Reject).unwrap().errors;
            let (_, errors) = quantize(gpu(), &source, &format, &QuantizeOptions::default()).unwrap();
            let name = format!("{format} at {scale}");
            assert_eq!(
                (errors.clipped, errors.zeroed, errors.non_finite),
                (twin.clipped, twin.zeroed, twin.non_finite),
                "{name}"
            );
            // Sums of up to 512 f32 terms, then of up to 64 partial sums: 2^-24 each, and one more for each product.
            let close = |got: f64, want: f64| (got - want).abs() <= 2e-5 * want.abs();
            assert!(close(errors.squared, twin.squared), "{name}: {} {}", errors.squared, twin.squared);
            assert!(close(errors.squared_error, twin.squared_error), "{name}: {} {}", errors.squared_error, twin.squared_error);
            assert!(close(errors.max_abs_error, twin.max_abs_error), "{name}: {} {}", errors.max_abs_error, twin.max_abs_error);
        }
    }
}

#[test]
fn dequantized_values_are_those_of_the_twin() {
    let mut words = Words(4);
    let x: Vec<f32> = (0..33 * 384).map(|_| words.weight()).collect();
    let source = Tensor::upload(gpu(), "weight/back", &[33, 384], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    for format in all_formats() {
        let (tensor, _) = quantize(gpu(), &source, &format, &QuantizeOptions::default()).unwrap();
        let planes = tensor.download(gpu()).unwrap();
        let twin = format::decode(&format, &planes, x.len(), 384);
        let values = dequantize(gpu(), &tensor).unwrap().download(gpu()).unwrap();
        // One product of normal numbers: the same bits, for no adapter rounds it otherwise.
        assert_same(&format!("{format}"), &values[0], &bytes_of(&twin, Element::F32));
    }
}

#[test]
fn tails_are_padded_and_left_out_again() {
    let mut words = Words(5);
    let (rows, row_len) = (7_usize, 45_usize);
    let x: Vec<f32> = (0..rows * row_len).map(|_| words.weight()).collect();
    let mut options = QuantizeOptions::default();
    options.tail = Tail::Pad;
    for element in [Element::F32, Element::Bf16] {
        let bytes = bytes_of(&x, element);
        let x = element.widen(&bytes);
        let source = Tensor::upload(gpu(), "weight/tail", &[rows as u64, row_len as u64], element, &bytes).unwrap();
        for format in all_formats() {
            let padded_len = row_len.next_multiple_of(format.group_len() as usize);
            let padded: Vec<f32> = x
                .chunks(row_len)
                .flat_map(|row| row.iter().copied().chain(std::iter::repeat_n(0.0, padded_len - row_len)))
                .collect();
            let twin = format::encode(&format, "twin", &padded, padded_len, NonFinite::Reject).unwrap();
            let (tensor, _) = quantize(gpu(), &source, &format, &options).unwrap();
            for (got, want) in tensor.download(gpu()).unwrap().iter().zip(&twin.planes) {
                assert_same(&format!("{format} padded"), got, want);
            }
            let back: Vec<f32> = format::decode(&format, &twin.planes, padded.len(), padded_len)
                .chunks(padded_len)
                .flat_map(|row| row[..row_len].to_vec())
                .collect();
            let values = dequantize(gpu(), &tensor).unwrap();
            assert_eq!(values.shape, [rows as u64, row_len as u64]);
            assert_same(&format!("{format} back"), &values.download(gpu()).unwrap()[0], &bytes_of(&back, Element::F32));
        }
    }
}

#[test]
fn a_tensor_in_a_format_is_a_source_too() {
    let mut words = Words(7);
    let x: Vec<f32> = (0..24 * 128).map(|_| words.weight()).collect();
    let source = Tensor::upload(gpu(), "weight/again", &[24, 128], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    for first in ["f16", "int4:asym", "q5_1"].map(|name| name.parse::<Format>().unwrap()) {
        let (coded, _) = quantize(gpu(), &source, &first, &QuantizeOptions::default()).unwrap();
        let meant = format::decode(&first, &coded.download(gpu()).unwrap(), x.len(), 128);
        let second: Format = "q8_0".parse().unwrap();
        let (again, errors) = quantize(gpu(), &coded, &second, &QuantizeOptions::default()).unwrap();
        let twin = format::encode(&second, "twin", &meant, 128, NonFinite::Reject).unwrap();
        assert_same(&format!("q8_0 from {first}"), &again.download(gpu()).unwrap()[0], &twin.planes[0]);
        assert!((errors.squared_error / twin.errors.squared_error - 1.0).abs() < 2e-5);
    }
}
