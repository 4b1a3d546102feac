//! The door for runtimes: a caller's own device, buffers and error handlers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use weighbridge::Error;
use weighbridge::format::{self, Element, Format, NonFinite};
use weighbridge::gpu::{Buffer, Gpu};
use weighbridge::quantize::{QuantizeOptions, quantize};
use weighbridge::tensor::Tensor;

use crate::data::{Words, assert_same, bytes_of};

pub fn device() -> (wgpu::Device, wgpu::Queue) {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).expect("the GPU tests need an adapter");
    pollster::block_on(adapter.request_device(&Default::default())).unwrap()
}

#[test]
fn a_callers_device_and_buffer_do_and_its_handlers_stay() {
    let (device, queue) = device();
    let heard = Arc::new(AtomicUsize::new(0));
    let count = heard.clone();
    device.on_uncaptured_error(Arc::new(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
    }));
    let gpu = Gpu::from_wgpu(device.clone(), queue.clone());

    let mut words = Words(8);
    let x: Vec<f32> = (0..16 * 256).map(|_| words.weight()).collect();
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let own = device.create_buffer(&wgpu::BufferDescriptor {
        label: None,
        size: 16 * 256 * 4 + 48,
        usage,
        mapped_at_creation: false,
    });
    // The values begin at byte 48: no offset alignment of any device.
    queue.write_buffer(&own, 48, &bytes_of(&x, Element::F32));
    let source =
        Tensor::from_wgpu("weight/own", &[16, 256], Element::F32, Buffer::from_wgpu(own.clone(), "weight/own"), 48).unwrap();
    assert_eq!(gpu.ledger().live_bytes(), 0, "the caller's buffer is on the caller's books");
    for name in ["int8", "q8_0", "bf16"] {
        let format: Format = name.parse().unwrap();
        let (tensor, _) = quantize(&gpu, &source, &format, &QuantizeOptions::default()).unwrap();
        let twin = format::encode(&format, "twin", &x, 256, NonFinite::Reject).unwrap();
        for (got, want) in tensor.download(&gpu).unwrap().iter().zip(&twin.planes) {
            assert_same(name, got, want);
        }
    }
    let wrong =
        Tensor::from_wgpu("weight/own", &[16, 257], Element::F32, Buffer::from_wgpu(own, "weight/own"), 48).unwrap_err();
    assert!(matches!(wrong, Error::Shape { .. }), "{wrong}");

    // Ours come back as errors and do not reach the caller's handler; the caller's own do.
    assert!(gpu.buffer::<u8>("weight/huge", gpu.limits().max_buffer_size + 4).is_err());
    assert_eq!(heard.load(Ordering::SeqCst), 0);
    let huge = wgpu::BufferDescriptor { label: None, size: 1 << 60, usage, mapped_at_creation: false };
    drop(device.create_buffer(&huge));
    assert_eq!(heard.load(Ordering::SeqCst), 1, "the caller's handler is still there");
}

#[test]
fn a_lost_device_is_an_error() {
    let (device, queue) = device();
    let gpu = Gpu::from_wgpu(device.clone(), queue);
    let x = [1.0_f32; 256];
    let source = Tensor::upload(&gpu, "weight/lost", &[1, 256], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    device.destroy();
    let int8: Format = "int8".parse().unwrap();
    let error = quantize(&gpu, &source, &int8, &QuantizeOptions::default()).unwrap_err();
    assert!(matches!(error, Error::DeviceLost { .. } | Error::Device { .. }), "{error}");
}
