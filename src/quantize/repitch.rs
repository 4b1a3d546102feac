//! Rows of one length to rows of another: how a tail is padded, and left out again. Kernel: `repitch.wgsl`.

use std::ops::Range;

use crate::error::Result;
use crate::format::Element;
use crate::gpu::{Gpu, Program};
use crate::tensor::{ATOM, Tensor, VECTOR_BYTES, cut, extent};

crate::params!(RepitchParams { from_len, to_len, elements, source_first, quad_first, position });

/// A copy of `source` as F32 with rows of `shape`'s last dimension, filled up with zeros or cut.
pub(super) fn repitch(gpu: &Gpu, source: &Tensor, element: Element, shape: &[u64]) -> Result<Tensor> {
    let values = Tensor::room(gpu, &format!("scratch/{}", source.label), shape, Element::F32)?;
    let kernel = gpu.kernel::<RepitchParams>("repitch", &[("source", element.wgsl())])?;
    let (from_len, to_len) = (source.row_len, values.row_len);
    // The source's element for one of the copy, or the end of its row; and the bytes that a range needs, in whole quads.
    let origin = move |at: u64| at / to_len * from_len + (at % to_len).min(from_len);
    let quad_of = move |at: u64| origin(at) / 4 * 4;
    let needed = |range: &Range<u64>| {
        let end = (origin(range.end - 1) + 1).next_multiple_of(4) * element.bytes();
        quad_of(range.start) * element.bytes()..end.min(source.planes[0].bytes)
    };
    // Rows of another length do not end where the source's segments do: what spans two of them is copied together first.
    let room = gpu.limits().max_storage_buffer_binding_size - gpu.limits().min_storage_buffer_offset_alignment;
    let (plane, of) = extent(&values);
    let spans = cut(gpu, values.elements(), ATOM, &|range| {
        let bytes = needed(range);
        plane.view(gpu, &of(range)).is_some() && bytes.end - bytes.start + VECTOR_BYTES <= room
    })?;
    for span in spans {
        let range = span.first..span.first + span.elements;
        let bytes = needed(&range);
        let mut recording = gpu.record(&source.label);
        let gathered;
        let (window, skip) = match source.planes[0].view(gpu, &bytes) {
            Some(view) => (view.window, view.skip),
            None => {
                let words = (bytes.end - bytes.start).next_multiple_of(VECTOR_BYTES) / 4;
                gathered = gpu.buffer("scratch/rows", words)?;
                source.planes[0].gather(&mut recording, &bytes, &gathered);
                (gathered.window(), 0)
            }
        };
        let Some(to) = plane.view(gpu, &of(&range)) else { continue };
        let params = RepitchParams {
            from_len: from_len as u32,
            to_len: to_len as u32,
            elements: span.elements as u32,
            // Where the first row would begin; before the window, and so modulo 2^32, where only its end is in it.
            source_first: (skip / element.bytes())
                .wrapping_add(span.first / to_len * from_len)
                .wrapping_sub(quad_of(span.first)) as u32,
            quad_first: (to.skip / 16) as u32,
            position: (span.first % to_len) as u32,
        };
        recording.dispatch(&kernel, &params, &[("source", window), ("values", to.window)], span.elements.div_ceil(4))?;
        recording.run()?;
    }
    drop(of);
    Ok(values)
}

pub(super) fn program(element: Element) -> Result<Program> {
    Program::new::<RepitchParams>("repitch", &[("source", element.wgsl())])
}
