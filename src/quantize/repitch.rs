//! Rows of one length to rows of another: how a tail is padded, and left out again. Kernel: `repitch.wgsl`.

use crate::error::Result;
use crate::format::Element;
use crate::gpu::Gpu;
use crate::tensor::{ATOM, Extent, Tensor, extent, spans};

crate::params!(RepitchParams { from_len, to_len, elements, source_first, quad_first, position });

/// A copy of `source` as F32 with rows of `shape`'s last dimension, filled up with zeros or cut.
pub(super) fn repitch(gpu: &Gpu, source: &Tensor, element: Element, shape: &[u64]) -> Result<Tensor> {
    let values = Tensor::room(gpu, &format!("scratch/{}", source.label), shape, Element::F32)?;
    let kernel = gpu.kernel::<RepitchParams>("repitch", &[("source", element.wgsl())])?;
    let (from_len, to_len) = (source.row_len, values.row_len);
    // The rows that a range touches, from a quad's beginning on.
    let first_of = move |start: u64| start / to_len * from_len;
    let rows: Extent<'_> = (
        &source.planes[0],
        Box::new(move |r| {
            let end = (r.end.div_ceil(to_len) * from_len).next_multiple_of(4) * element.bytes();
            first_of(r.start) / 4 * 4 * element.bytes()..end.min(source.planes[0].bytes)
        }),
    );
    let extents = [rows, extent(&values)];
    let mut recording = gpu.record(&source.label);
    for span in spans(gpu, values.elements(), ATOM, &extents)? {
        let range = span.first..span.first + span.elements;
        let (Some(from), Some(to)) = (extents[0].0.view(gpu, &extents[0].1(&range)), extents[1].0.view(gpu, &extents[1].1(&range)))
        else {
            continue;
        };
        let params = RepitchParams {
            from_len: from_len as u32,
            to_len: to_len as u32,
            elements: span.elements as u32,
            source_first: (from.skip / element.bytes() + first_of(span.first) % 4) as u32,
            quad_first: (to.skip / 16) as u32,
            position: (span.first % to_len) as u32,
        };
        let windows = [("source", from.window), ("values", to.window)];
        recording.dispatch(&kernel, &params, &windows, span.elements.div_ceil(4))?;
    }
    drop(extents);
    recording.run()?;
    Ok(values)
}
