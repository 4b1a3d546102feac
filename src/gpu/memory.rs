//! What the device's allocator and the host say of memory.

use std::collections::BTreeMap;

/// What the backend's allocator holds (Vulkan and DX12 tell; Metal does not).
#[derive(Clone, Debug, Default)]
pub struct AllocatorReading {
    /// Bytes in allocations.
    pub allocated: u64,
    /// Bytes in the blocks that they are cut from.
    pub reserved: u64,
    /// Bytes of the allocations by their label.
    pub by_label: BTreeMap<String, u64>,
}

impl AllocatorReading {
    pub(super) fn of(report: &wgpu::AllocatorReport) -> Self {
        let mut by_label = BTreeMap::new();
        for allocation in &report.allocations {
            *by_label.entry(allocation.name.clone()).or_default() += allocation.size;
        }
        Self { allocated: report.total_allocated_bytes, reserved: report.total_reserved_bytes, by_label }
    }
}

/// Bytes that the host could still give without swapping; `None` where the system does not say.
#[must_use]
pub fn host_available() -> Option<u64> {
    kilobytes("/proc/meminfo", "MemAvailable:")
}

/// The most bytes of anonymous memory and shared pages that this process ever held (`VmHWM`); `None` where the system does not say.
#[must_use]
pub fn process_peak() -> Option<u64> {
    kilobytes("/proc/self/status", "VmHWM:")
}

fn kilobytes(path: &str, field: &str) -> Option<u64> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix(field))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kb| kb * 1024)
}
