//! NVIDIA's management library, where its driver is installed.

use nvml_wrapper::Nvml;
use nvml_wrapper::enums::device::UsedGpuMemory;

use super::Witness;

/// The device of that name: all memory in use on it, and that of this process (which Windows' driver model and containers hide).
pub(super) fn witnesses(adapter: &str) -> Vec<Witness> {
    read(adapter).unwrap_or_else(|error| {
        log::info!("NVML: {error}");
        vec![]
    })
}

fn read(adapter: &str) -> Result<Vec<Witness>, nvml_wrapper::error::NvmlError> {
    let nvml = Nvml::init()?;
    let mut all = Vec::new();
    for i in 0..nvml.device_count()? {
        let device = nvml.device_by_index(i)?;
        if !adapter.contains(device.name()?.as_str()) {
            continue;
        }
        let memory = device.memory_info()?;
        let scope = "all memory in use on the device, that of other processes and the driver's own too";
        all.push(Witness::new("nvml_device", scope, memory.used, Some(memory.total)));
        // A process that computes with Vulkan may be in either list.
        let lists = [device.running_compute_processes()?, device.running_graphics_processes()?];
        let own = lists.iter().flatten().find(|process| process.pid == std::process::id());
        if let Some(UsedGpuMemory::Used(used)) = own.map(|process| &process.used_gpu_memory) {
            let scope = "this process's memory on the device, its context too";
            all.push(Witness::new("nvml_process", scope, *used, None));
        }
        break;
    }
    Ok(all)
}
