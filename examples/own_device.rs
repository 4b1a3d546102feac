//! A runtime's view: quantize a tensor on a wgpu device of one's own, and use the codes there.
//!
//! Run it with `cargo run --release --example own_device`.

use weighbridge::format::{Element, Format};
use weighbridge::gpu::{Buffer, Gpu};
use weighbridge::quantize::{QuantizeOptions, dequantize, quantize};
use weighbridge::tensor::Tensor;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // The runtime's device, queue and weights: 256 rows of 1024 values in a buffer of its own.
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default()))?;
    let weights: Vec<f32> = (0..256 * 1024).map(|i| (i as f32 * 0.7).sin() / 50.0).collect();
    let buffer = device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("weights"),
        size: weights.len() as u64 * 4,
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    queue.write_buffer(&buffer, 0, bytemuck::cast_slice(&weights));

    // Weighbridge on that device: its settings and error handlers stay the runtime's.
    let gpu = Gpu::from_wgpu(device, queue);
    let source = Tensor::from_wgpu("mlp/up", &[256, 1024], Element::F32, Buffer::from_wgpu(buffer, "mlp/up"), 0)?;
    for name in ["bf16", "int8", "int4:g64", "q8_0"] {
        let format: Format = name.parse()?;
        let (codes, errors) = quantize(&gpu, &source, &format, &QuantizeOptions::default())?;
        let values = dequantize(&gpu, &codes)?;
        println!(
            "{name:9} {:8} bytes on the device, relative RMSE {:.5}, back as {} bytes of F32",
            codes.requested_bytes(),
            errors.relative_rmse().unwrap_or(0.0),
            values.requested_bytes()
        );
    }
    println!("alive now: {} bytes of ours", gpu.ledger().live_bytes());
    Ok(())
}
