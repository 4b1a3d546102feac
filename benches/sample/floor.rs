//! What ten small dispatches take: direct ones, indirect ones, and indirect ones of a device that checks them.

use std::time::Duration;

use criterion::Criterion;
use weighbridge::gpu::Gpu;

use crate::rounds;

weighbridge::params!(
    /// `struct Params` of `copy.wgsl`.
    CopyParams { quads }
);

/// Medians of ten direct dispatches, ten indirect ones, and ten that are checked on the device.
pub(super) fn of_ten(gpu: &Gpu, criterion: &mut Criterion) -> [Option<Duration>; 3] {
    let checking = checking(&gpu.info().name);
    [("direct", gpu, false), ("indirect", gpu, true), ("indirect-checked", &checking, true)]
        .map(|(name, gpu, indirect)| ten(gpu, criterion, &format!("floor/ten-{name}"), indirect))
}

fn ten(gpu: &Gpu, criterion: &mut Criterion, name: &str, indirect: bool) -> Option<Duration> {
    let counts = gpu.counts("scratch/counts", 3).expect("twelve bytes fit");
    gpu.write(&counts, 0, bytemuck::cast_slice(&[1_u32, 1, 1]));
    let [quads, values] =
        ["scratch/source", "scratch/values"].map(|label| gpu.buffer::<u8>(label, 16).expect("sixteen bytes fit"));
    let kernel = gpu.kernel::<CopyParams>("copy", &[]).expect("compiles");
    let windows = [("source", quads.window()), ("values", values.window())];
    let mut preparation = gpu.prepare("floor");
    for _ in 0..10 {
        let params = CopyParams { quads: 1 };
        match indirect {
            false => preparation.dispatch(&kernel, &params, &windows, 1),
            true => preparation.dispatch_indirect(&kernel, &params, &windows, &counts),
        }
        .expect("prepares");
    }
    let steps = preparation.finish().expect("prepares");
    rounds::median(criterion, name, 320, || {
        let mut recording = gpu.record("floor");
        recording.steps(&steps);
        recording.run().expect("runs");
    })
}

/// The same adapter as runtimes open it: wgpu's defaults have each indirect dispatch checked on the device.
fn checking(name: &str) -> Gpu {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let instance = wgpu::Instance::new(descriptor);
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let adapter = adapters.into_iter().find(|adapter| adapter.get_info().name == name).expect("it is still there");
    let (device, queue) = pollster::block_on(adapter.request_device(&Default::default())).expect("the defaults are offered");
    Gpu::from_wgpu(device, queue)
}
