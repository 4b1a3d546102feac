//! Any tensor under any limit: small bindings and buffers give the same bytes.

use weighbridge::format::{self, Element, NonFinite};
use weighbridge::quantize::{QuantizeOptions, Tail, dequantize, quantize};
use weighbridge::tensor::Tensor;

use crate::data::{Words, assert_same, bytes_of, open, options};
use crate::twins::all_formats;

#[test]
fn bindings_of_64_kib_and_buffers_of_1_mib() {
    let mut options = options();
    options.max_binding_bytes = Some(64 << 10);
    options.max_buffer_bytes = Some(1 << 20);
    let gpu = open(options);
    assert_eq!((gpu.limits().max_storage_buffer_binding_size, gpu.limits().max_buffer_size), (64 << 10, 1 << 20));
    let mut words = Words(6);
    // Rows longer than a window, rows much shorter, and rows that no window ends with; over two segments of F32 each.
    for (rows, row_len) in [(3_u64, 131_072_u64), (1500, 384), (431, 1217), (7, 40_001)] {
        let x: Vec<f32> = (0..rows * row_len).map(|_| words.weight()).collect();
        for element in [Element::F32, Element::Bf16] {
            let bytes = bytes_of(&x, element);
            let x = element.widen(&bytes);
            let source = Tensor::upload(&gpu, "weight/limits", &[rows, row_len], element, &bytes).unwrap();
            let mut options = QuantizeOptions::default();
            options.tail = Tail::Pad;
            for format in all_formats() {
                let name = format!("{format} from {element:?} [{rows}, {row_len}]");
                let padded_len = row_len.next_multiple_of(format.group_len());
                let padding = std::iter::repeat_n(0.0, (padded_len - row_len) as usize);
                let padded: Vec<f32> =
                    x.chunks(row_len as usize).flat_map(|row| row.iter().copied().chain(padding.clone())).collect();
                let twin = format::encode(&format, "twin", &padded, padded_len as usize, NonFinite::Reject).unwrap();
                let (tensor, errors) = quantize(&gpu, &source, &format, &options).unwrap();
                for (got, want) in tensor.download(&gpu).unwrap().iter().zip(&twin.planes) {
                    assert_same(&name, got, want);
                }
                let close = |got: f64, want: f64| (got - want).abs() <= 2e-5 * want.abs();
                assert!(close(errors.squared, twin.errors.squared), "{name}: {errors:?} {:?}", twin.errors);
                assert!(close(errors.squared_error, twin.errors.squared_error), "{name}: {errors:?} {:?}", twin.errors);
                assert_eq!(errors.zeroed, twin.errors.zeroed, "{name}");
                let back: Vec<f32> = format::decode(&format, &twin.planes, padded.len(), padded_len as usize)
                    .chunks(padded_len as usize)
                    .flat_map(|row| row[..row_len as usize].to_vec())
                    .collect();
                let values = dequantize(&gpu, &tensor).unwrap().download(&gpu).unwrap();
                assert_same(&format!("{name}, back"), &values[0], &bytes_of(&back, Element::F32));
            }
        }
    }
}
