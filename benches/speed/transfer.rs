//! Copies on the device, and the ways to it and back.

use weighbridge::format::Element;
use weighbridge::gpu::Gpu;
use weighbridge::tensor::Tensor;

use crate::Bench;

/// `bytes` a way; the copy kernel reads and writes as many.
pub fn bench(bench: &Bench, gpu: &Gpu, bytes: u64) {
    let copy = gpu.prepare_copy(bytes).expect("the buffers fit");
    bench.time("copy/kernel", copy.bytes(), 2 * copy.bytes(), || copy.run(gpu).expect("copies"));
    drop(copy);

    let host = vec![1_u8; bytes as usize];
    let shape = [bytes / 4];
    let tensor = Tensor::upload(gpu, "scratch/transfer", &shape, Element::F32, &host).expect("fits");
    bench.time("upload/reused-staging", bytes, bytes, || tensor.write(gpu, &[&host]).expect("uploads"));
    bench.time("download/reused-staging", bytes, bytes, || {
        std::hint::black_box(tensor.download(gpu).expect("downloads"));
    });
    drop(tensor);
    raw(bench, &host);
}

/// The ways that this library does not take, on a device of their own.
fn raw(bench: &Bench, host: &[u8]) {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let Ok(adapter) = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default())) else { return };
    let limits = wgpu::Limits { max_buffer_size: adapter.limits().max_buffer_size, ..wgpu::Limits::default() };
    let mappable = adapter.features() & wgpu::Features::MAPPABLE_PRIMARY_BUFFERS;
    let descriptor = wgpu::DeviceDescriptor { required_features: mappable, required_limits: limits, ..Default::default() };
    let Ok((device, queue)) = pollster::block_on(adapter.request_device(&descriptor)) else { return };
    let wait = || device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
    let bytes = host.len() as u64;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST;
    let buffer =
        |usage| device.create_buffer(&wgpu::BufferDescriptor { label: None, size: bytes, usage, mapped_at_creation: false });

    let target = buffer(usage);
    bench.time("upload/write_buffer", bytes, bytes, || {
        queue.write_buffer(&target, 0, host);
        queue.submit([]);
        wait();
    });
    if !mappable.is_empty() {
        let target = buffer(usage | wgpu::BufferUsages::MAP_WRITE);
        bench.time("upload/mapped-primary", bytes, bytes, || {
            target.map_async(wgpu::MapMode::Write, .., |_| ());
            wait();
            target.get_mapped_range_mut(..).expect("mapped").copy_from_slice(host);
            target.unmap();
        });
    }
}
