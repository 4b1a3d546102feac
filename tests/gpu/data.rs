//! The device and the inputs that the tests share.

use std::process::{Command, Output};
use std::sync::OnceLock;

use weighbridge::format::{Element, Format, NonFinite};
use weighbridge::gpu::{Buffer, Gpu, GpuOptions};
use weighbridge::quantize::{QuantizeOptions, quantize};
use weighbridge::tensor::Tensor;

/// The device: the one that `WEIGHBRIDGE_ADAPTER` names, or the most powerful.
pub fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| open(options()))
}

pub fn options() -> GpuOptions {
    let mut options = GpuOptions::default();
    if let Ok(name) = std::env::var("WEIGHBRIDGE_ADAPTER") {
        options.adapter = name.parse().expect("any text is a selector");
    }
    options
}

pub fn open(options: GpuOptions) -> Gpu {
    Gpu::open(&options).unwrap_or_else(|e| panic!("the GPU tests need an adapter: {e}\nhint: {}", e.hint().unwrap_or_default()))
}

/// Reproducible words (SplitMix64).
pub struct Words(pub u64);

impl Words {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A weight-like value: roughly normal.
    pub fn weight(&mut self) -> f32 {
        let sum: f64 = (0..4).map(|_| (self.next() >> 11) as f64 / (1u64 << 53) as f64 - 0.5).sum();
        (sum * 0.08) as f32
    }
}

pub fn bytes_of(x: &[f32], element: Element) -> Vec<u8> {
    match element {
        Element::F32 => x.iter().flat_map(|x| x.to_le_bytes()).collect(),
        Element::F16 => x.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect(),
        Element::Bf16 => x.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect(),
    }
}

/// A buffer with values in it.
pub fn place(gpu: &Gpu, label: &str, values: &[f32]) -> Buffer<f32> {
    let buffer = gpu.buffer(label, values.len() as u64).unwrap();
    let mut recording = gpu.record("test");
    recording.upload(&buffer, 0, bytemuck::cast_slice(values));
    recording.run().unwrap();
    buffer
}

/// A buffer's values, which are F32.
pub fn read<T: bytemuck::Pod>(gpu: &Gpu, buffer: &Buffer<T>) -> Vec<f32> {
    let mut recording = gpu.record("test");
    let download = recording.download(buffer, 0, buffer.bytes());
    recording.run().unwrap().take_words(download).into_iter().map(f32::from_bits).collect()
}

/// The binary, on the device of the tests.
pub fn weighbridge(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weighbridge"));
    command.args(arguments);
    if let Ok(adapter) = std::env::var("WEIGHBRIDGE_ADAPTER") {
        command.args(["--adapter", &adapter]);
    }
    command.output().unwrap()
}

/// The document that it printed.
pub fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Quantizes on the device and returns the planes.
pub fn on_gpu(gpu: &Gpu, format: &Format, shape: &[u64], element: Element, bytes: &[u8], policy: NonFinite) -> Vec<Vec<u8>> {
    let mut options = QuantizeOptions::default();
    options.non_finite = policy;
    let source = Tensor::upload(gpu, "weight/test", shape, element, bytes).unwrap();
    let (tensor, _) = quantize(gpu, &source, format, &options).unwrap();
    tensor.download(gpu).unwrap()
}

/// Compares bytes, and where they differ says how many do and shows the first five.
#[track_caller]
pub fn assert_same(what: &str, got: &[u8], want: &[u8]) {
    assert_eq!(got.len(), want.len(), "{what}: lengths");
    let wrong: Vec<_> = (0..want.len()).filter(|i| got[*i] != want[*i]).collect();
    let shown: Vec<_> =
        wrong.iter().take(5).map(|i| format!("byte {i}: got {:#04x}, want {:#04x}", got[*i], want[*i])).collect();
    assert!(wrong.is_empty(), "{what}: {} of {} bytes differ: {}", wrong.len(), want.len(), shown.join("; "));
}
