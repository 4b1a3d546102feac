//! A runtime's decode loop: logits in a buffer of its own, on a device of its own; each step's tokens stay there.
//!
//! Run it with `cargo run --release --example decode_loop`.

use weighbridge::format::Element;
use weighbridge::gpu::{Buffer, Encoder, Gpu};
use weighbridge::sample::{Logits, Sampler, SamplerLayout, SamplingParams};

const ROWS: usize = 2;
const VOCAB: usize = 32_000;
const STEPS: usize = 16;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let adapter = pollster::block_on(wgpu::Instance::new(descriptor).request_adapter(&Default::default()))?;
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default()))?;
    let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_SRC | wgpu::BufferUsages::COPY_DST;
    let buffer = |label, size| {
        let size = size as u64;
        device.create_buffer(&wgpu::BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false })
    };
    let (logits, sequence) = (buffer("logits", ROWS * VOCAB * 4), buffer("sequence", STEPS * ROWS * 4));

    // Two requests with parameters of their own; the second looks at what it drew before.
    let gpu = Gpu::from_wgpu(device.clone(), queue.clone());
    let mut layout = SamplerLayout::new(ROWS as u64, VOCAB as u64);
    layout.history = 64;
    let mut sampler = Sampler::new(&gpu, layout)?;
    sampler.set(0, &SamplingParams::default().seed(1))?;
    sampler.set(1, &SamplingParams::unfiltered().min_p(0.05).repetition(1.3).seed(2))?;
    sampler.set_history(1, &[17, 99], &[])?;

    let own = Buffer::from_wgpu(logits.clone(), "logits/step");
    for step in 0..STEPS {
        // Where the model's forward pass would fill the logits.
        let made: Vec<f32> = (0..ROWS * VOCAB).map(|i| 6.0 * ((i * 31 + step * 7919) as f32).sin()).collect();
        queue.write_buffer(&logits, 0, bytemuck::cast_slice(&made));
        let mut encoder = device.create_command_encoder(&Default::default());
        let rows = Logits::new(&own, Element::F32, ROWS as u64, VOCAB as u64)?;
        sampler.encode(&mut Encoder::from_wgpu(&mut encoder), &rows)?;
        // The next layer takes the tokens from there; here they are put by.
        let at = (step * ROWS * 4) as u64;
        encoder.copy_buffer_to_buffer(sampler.tokens().as_wgpu(), 0, &sequence, at, Some(ROWS as u64 * 4));
        queue.submit([encoder.finish()]);
    }

    // One readback, when all is done.
    let mut recording = gpu.record("sequence");
    let tokens = Buffer::<u32>::from_wgpu(sequence, "sequence");
    let download = recording.download(&tokens, 0, tokens.bytes());
    let words = recording.run()?.take_words(download);
    for row in 0..ROWS {
        println!("request {row}: {:?}", words.iter().skip(row).step_by(ROWS).collect::<Vec<_>>());
    }
    Ok(())
}
