//! Tensors on a device: named planes, each a list of segments, seen through windows.
//!
//! A tensor of any size works under any limit: a plane larger than a buffer may be is cut into segments, and a kernel sees as much
//! of each plane as a binding may hold. Windows begin where the device's alignment allows, at or before the first element wanted;
//! how far before is told to the kernel in its parameters.

use std::ops::Range;

use crate::error::{Error, Result};
use crate::format::{Element, Format, Storage, ZERO_POINT_ROWS};
use crate::gpu::{BINDING, Buffer, Download, Gpu, Recording, Window};

/// A tensor on a device.
#[derive(Debug)]
pub struct Tensor {
    /// Its label on the ledger, `class/name`.
    pub label: String,
    /// Its shape; the last dimension is a row.
    pub shape: Vec<u64>,
    /// What its bytes mean.
    pub kind: Kind,
    /// Values of a row as stored: the last dimension, or more where it was padded.
    pub row_len: u64,
    /// The planes, in the order of [`Format::planes`].
    pub planes: Vec<Plane>,
}

/// What a tensor's bytes mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Plain values of a floating-point type.
    Plain(Element),
    /// A format's codes.
    Coded(Format),
    /// Bytes that are kept and not looked at.
    Opaque,
}

/// A row of bytes, cut into segments.
#[derive(Debug)]
pub struct Plane {
    /// `blocks`, `codes`, `scales` or `values`.
    pub part: &'static str,
    /// Its bytes, without rounding.
    pub bytes: u64,
    segments: Vec<Segment>,
}

#[derive(Debug)]
struct Segment {
    buffer: Buffer<u32>,
    // Where in the buffer the segment begins: 0 but in a caller's buffer.
    at: u64,
    // The bytes of the plane that it holds.
    holds: Range<u64>,
}

/// A window of a plane: what to bind, and where in it the wanted bytes begin.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub window: Window<'a>,
    pub skip: u64,
}

/// Buffers are multiples of this, so that the last vector of four words can be bound.
pub(crate) const VECTOR_BYTES: u64 = 16;

/// Segments hold a multiple of so many elements; no word and no run of a kernel crosses such a border.
pub(crate) const ATOM: u64 = 1024;

impl Plane {
    /// A plane of `bytes` bytes, `atom_bytes` of which hold [`ATOM`] elements.
    fn new(gpu: &Gpu, label: &str, part: &'static str, bytes: u64, atom_bytes: u64) -> Result<Self> {
        let capacity = (gpu.limits().max_buffer_size / VECTOR_BYTES * VECTOR_BYTES / atom_bytes).max(1) * atom_bytes;
        let mut segments = Vec::new();
        let mut start = 0;
        while start < bytes || segments.is_empty() {
            let end = (start + capacity).min(bytes);
            let size = (end - start).next_multiple_of(VECTOR_BYTES).max(VECTOR_BYTES);
            let buffer = gpu.buffer(&format!("{label}.{part}"), size / 4)?;
            segments.push(Segment { buffer, at: 0, holds: start..end });
            start = end;
        }
        Ok(Self { part, bytes, segments })
    }

    /// A plane of `bytes` bytes, `unit_bytes` for each `unit_len` elements: its segments end where atoms of elements do, and whole
    /// vectors.
    pub(crate) fn of_units(
        gpu: &Gpu,
        label: &str,
        part: &'static str,
        bytes: u64,
        unit_bytes: u64,
        unit_len: u64,
    ) -> Result<Self> {
        Self::new(gpu, label, part, bytes, VECTOR_BYTES * unit_bytes * ATOM / gcd(unit_len.max(1), ATOM))
    }

    /// Bytes asked of the device.
    #[must_use]
    pub fn requested_bytes(&self) -> u64 {
        self.segments.iter().map(|s| s.buffer.bytes()).sum()
    }

    /// The window of `range`, or `None` where no single one can hold it under the device's limits.
    pub(crate) fn view(&self, gpu: &Gpu, range: &Range<u64>) -> Option<View<'_>> {
        let segment = self.segments.iter().find(|s| s.holds.start <= range.start && range.start < s.holds.end.max(1))?;
        if range.end > segment.holds.end {
            return None;
        }
        let limits = gpu.limits();
        let wanted = segment.at + range.start - segment.holds.start;
        let start = wanted / limits.min_storage_buffer_offset_alignment * limits.min_storage_buffer_offset_alignment;
        let end = (segment.at + range.end - segment.holds.start).next_multiple_of(VECTOR_BYTES).min(segment.buffer.bytes());
        if end - start > limits.max_storage_buffer_binding_size {
            return None;
        }
        Some(View { window: segment.buffer.part(start..end), skip: wanted - start })
    }

    /// Copies `range`, whose ends are multiples of 4 or the plane's end, from as many segments as hold it.
    pub(crate) fn gather(&self, recording: &mut Recording<'_>, range: &Range<u64>, into: &Buffer<u32>) {
        for segment in &self.segments {
            let (start, end) = (range.start.max(segment.holds.start), range.end.min(segment.holds.end));
            if start < end {
                let bytes = (end - start).next_multiple_of(4);
                recording.copy(&segment.buffer, segment.at + start - segment.holds.start, into, start - range.start, bytes);
            }
        }
    }

    pub(crate) fn buffers(&self) -> impl Iterator<Item = &Buffer<u32>> {
        self.segments.iter().map(|s| &s.buffer)
    }
}

impl Tensor {
    /// Places plain values on the device. `bytes` are little-endian, row-major.
    ///
    /// # Errors
    /// [`Error::Shape`] where the bytes are not those of the shape; as [`Gpu::buffer`].
    pub fn upload(gpu: &Gpu, label: &str, shape: &[u64], element: Element, bytes: &[u8]) -> Result<Self> {
        let elements: u64 = shape.iter().product();
        if bytes.len() as u64 != elements * element.bytes() {
            return Err(Error::Shape {
                what: label.into(),
                want: format!("{} bytes for {shape:?} of {element:?}", elements * element.bytes()),
                got: format!("{} bytes", bytes.len()),
            });
        }
        let tensor = Self::room(gpu, label, shape, element)?;
        tensor.write(gpu, &[bytes])?;
        Ok(tensor)
    }

    /// Places bytes on the device that no kernel will look at.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn upload_opaque(gpu: &Gpu, label: &str, shape: &[u64], bytes: &[u8]) -> Result<Self> {
        let plane = Plane::new(gpu, label, "values", bytes.len() as u64, ATOM)?;
        let tensor = Self {
            label: label.into(),
            shape: shape.into(),
            kind: Kind::Opaque,
            row_len: shape.last().copied().unwrap_or(1),
            planes: vec![plane],
        };
        tensor.write(gpu, &[bytes])?;
        Ok(tensor)
    }

    /// Room for plain values, all 0.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn room(gpu: &Gpu, label: &str, shape: &[u64], element: Element) -> Result<Self> {
        let elements: u64 = shape.iter().product();
        let plane = Plane::new(gpu, label, "values", elements * element.bytes(), ATOM * element.bytes())?;
        let row_len = shape.last().copied().unwrap_or(1);
        Ok(Self { label: label.into(), shape: shape.into(), kind: Kind::Plain(element), row_len, planes: vec![plane] })
    }

    /// Room for a tensor in a format, its rows padded to `row_len`.
    pub(crate) fn coded(gpu: &Gpu, label: &str, shape: &[u64], format: Format, row_len: u64) -> Result<Self> {
        let rows = rows_of(shape);
        let mut planes = Vec::new();
        for (part, bytes) in format.planes(rows, row_len) {
            planes.push(match (format.storage, part) {
                (Storage::Scaled(scaled), "scales") => {
                    Plane::of_units(gpu, label, part, bytes, scaled.scale_bytes(), scaled.unit_len(rows, row_len))?
                }
                (Storage::Scaled(scaled), "zero_points") => {
                    // A segment ends where both eight rows and an atom of elements do.
                    let rows = ATOM / gcd(ZERO_POINT_ROWS * row_len, ATOM);
                    let groups = row_len / scaled.unit_len(1, row_len).max(1);
                    Plane::new(gpu, label, part, bytes, 4 * rows * groups.max(1))?
                }
                _ => Plane::new(gpu, label, part, bytes, format.planes(1, ATOM)[0].1)?,
            });
        }
        Ok(Self { label: label.into(), shape: shape.into(), kind: Kind::Coded(format), row_len, planes })
    }

    /// Wraps a caller's buffer of plain values, which begin at byte `at`. The buffer needs the usages STORAGE, COPY_SRC and
    /// COPY_DST; it stays the caller's, and off the ledger.
    ///
    /// # Errors
    /// [`Error::Shape`] where `at` is no multiple of 16 or the values, rounded up to 16 bytes, do not fit in the buffer.
    pub fn from_wgpu(label: &str, shape: &[u64], element: Element, buffer: Buffer<u32>, at: u64) -> Result<Self> {
        let bytes = shape.iter().product::<u64>() * element.bytes();
        if !at.is_multiple_of(VECTOR_BYTES) || at + bytes.next_multiple_of(VECTOR_BYTES) > buffer.bytes() {
            return Err(Error::Shape {
                what: label.into(),
                want: format!("{} bytes from a multiple of {VECTOR_BYTES} on", bytes.next_multiple_of(VECTOR_BYTES)),
                got: format!("byte {at} of a buffer of {} bytes", buffer.bytes()),
            });
        }
        let plane = Plane { part: "values", bytes, segments: vec![Segment { buffer, at, holds: 0..bytes }] };
        let row_len = shape.last().copied().unwrap_or(1);
        Ok(Self { label: label.into(), shape: shape.into(), kind: Kind::Plain(element), row_len, planes: vec![plane] })
    }

    /// Values in the tensor, without padding.
    #[must_use]
    pub fn elements(&self) -> u64 {
        self.shape.iter().product()
    }

    /// Rows: the product of all dimensions but the last.
    #[must_use]
    pub fn rows(&self) -> u64 {
        rows_of(&self.shape)
    }

    /// Values as stored, padding included.
    #[must_use]
    pub fn stored_elements(&self) -> u64 {
        self.rows() * self.row_len
    }

    /// Bytes asked of the device.
    #[must_use]
    pub fn requested_bytes(&self) -> u64 {
        self.planes.iter().map(Plane::requested_bytes).sum()
    }

    /// The bytes of each plane, back on the host.
    ///
    /// # Errors
    /// As [`crate::gpu::Recording::run`].
    pub fn download(&self, gpu: &Gpu) -> Result<Vec<Vec<u8>>> {
        let mut recording = gpu.record(&self.label);
        let pieces: Vec<Vec<Download>> = (self.planes.iter())
            .map(|plane| {
                let segments = plane.segments.iter().filter(|s| !s.holds.is_empty());
                segments.map(|s| recording.download(&s.buffer, s.at, s.holds.end - s.holds.start)).collect()
            })
            .collect();
        let mut done = recording.run()?;
        let joined = |plane: Vec<Download>| -> Vec<u8> {
            // One segment is the common case, and its bytes need not be copied again.
            let mut parts: Vec<Vec<u8>> = plane.into_iter().map(|piece| done.take(piece)).collect();
            if parts.len() == 1 { parts.remove(0) } else { parts.concat() }
        };
        Ok(pieces.into_iter().map(joined).collect())
    }

    /// Brings back the word at byte `at` (a multiple of 4) of the first plane.
    pub(crate) fn record_word(&self, recording: &mut Recording<'_>, at: u64) -> Option<Download> {
        let segment = self.planes[0].segments.iter().find(|s| s.holds.contains(&at))?;
        Some(recording.download(&segment.buffer, segment.at + at - segment.holds.start, 4))
    }

    /// Overwrites the planes with bytes from the host.
    ///
    /// # Errors
    /// [`Error::Shape`] where they are not as many; as [`crate::gpu::Recording::run`].
    pub fn write(&self, gpu: &Gpu, planes: &[&[u8]]) -> Result<()> {
        let (want, got) = (self.planes.iter().map(|p| p.bytes), planes.iter().map(|p| p.len() as u64));
        if !want.clone().eq(got.clone()) {
            let list = |bytes: &[u64]| format!("planes of {bytes:?} bytes");
            let (want, got) = (list(&want.collect::<Vec<_>>()), list(&got.collect::<Vec<_>>()));
            return Err(Error::Shape { what: self.label.clone(), want, got });
        }
        let mut recording = gpu.record(&self.label);
        for (plane, bytes) in self.planes.iter().zip(planes) {
            for segment in &plane.segments {
                recording.upload(&segment.buffer, segment.at, &bytes[segment.holds.start as usize..segment.holds.end as usize]);
            }
        }
        recording.run().map(drop)
    }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The product of all dimensions but the last.
#[must_use]
pub fn rows_of(shape: &[u64]) -> u64 {
    shape.iter().rev().skip(1).product()
}

/// A window of a tensor that every plane involved can show at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub first: u64,
    pub elements: u64,
}

/// A plane, and the bytes of it that a range of elements needs.
pub(crate) type Extent<'a> = (&'a Plane, Bytes<'a>);

/// The bytes of a plane that a range of elements needs.
pub(crate) type Bytes<'a> = Box<dyn Fn(&Range<u64>) -> Range<u64> + 'a>;

/// Elements in one dispatch at most, so that the kernels' 32-bit indices hold.
const SPAN_LIMIT: u64 = 1 << 30;

/// Cuts `elements` into spans whose part of every plane fits in one window. All but the last are multiples of `atom`.
pub(crate) fn spans(gpu: &Gpu, elements: u64, atom: u64, extents: &[Extent<'_>]) -> Result<Vec<Span>> {
    cut(gpu, elements, atom, &|range| extents.iter().all(|(plane, of)| plane.view(gpu, &of(range)).is_some()))
}

/// Cuts `elements` into the longest spans of which `fits` is true. All but the last are multiples of `atom`.
pub(crate) fn cut(gpu: &Gpu, elements: u64, atom: u64, fits_one: &dyn Fn(&Range<u64>) -> bool) -> Result<Vec<Span>> {
    let mut spans = Vec::new();
    let mut first = 0;
    while first < elements {
        let fits = |atoms: u64| {
            let range = first..(first + atoms * atom).min(elements);
            range.end - first <= SPAN_LIMIT && fits_one(&range)
        };
        let (mut low, mut high) = (0, (elements - first).div_ceil(atom));
        if fits(high) {
            low = high;
        }
        while high - low > 1 {
            let middle = low.midpoint(high);
            if fits(middle) { low = middle } else { high = middle }
        }
        if low == 0 {
            let limit = gpu.limits().max_storage_buffer_binding_size;
            let what = format!("a window of {atom} elements");
            return Err(Error::TooLarge { what, asked: limit + 1, limit, limited_by: BINDING });
        }
        let end = (first + low * atom).min(elements);
        spans.push(Span { first, elements: end - first });
        first = end;
    }
    Ok(spans)
}

/// The extent of a tensor's plane of values or codes.
pub(crate) fn extent(tensor: &Tensor) -> Extent<'_> {
    let of: Bytes<'_> = match tensor.kind {
        Kind::Plain(element) => Box::new(move |r| r.start * element.bytes()..r.end * element.bytes()),
        Kind::Coded(format) => {
            let (len, bytes) = match format.storage {
                Storage::Block(block) => (u64::from(block.len), u64::from(block.bytes)),
                Storage::Scaled(scaled) => (u64::from(8 / scaled.bits), 1),
            };
            Box::new(move |r| r.start / len * bytes..r.end.div_ceil(len) * bytes)
        }
        Kind::Opaque => Box::new(|r| r.clone()),
    };
    (&tensor.planes[0], of)
}

/// The extent of a plane that has `bytes` bytes for each `unit_len` elements.
pub(crate) fn units_extent(plane: &Plane, unit_len: u64, bytes: u64) -> Extent<'_> {
    (plane, Box::new(move |r| r.start / unit_len * bytes..r.end.div_ceil(unit_len) * bytes))
}
