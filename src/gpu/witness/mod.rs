//! Witnesses: who else can say how much memory this process holds on a device.
//!
//! None is believed without a look: a witness that contradicts its own specification says so in [`Witness::doubts`], and
//! [`calibrate`] holds all of them against buffers of known size.

mod ballast;
#[cfg(all(windows, feature = "native-witness"))]
mod dxgi;
#[cfg(all(target_vendor = "apple", feature = "native-witness"))]
mod metal;
#[cfg(feature = "nvml")]
mod nvml;
mod process;
mod vulkan;

use serde::Serialize;

pub use ballast::{Calibration, calibrate};

use super::Gpu;

/// A source of a measurement outside this library.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Witness {
    /// Its name: `process_anon`, `process_rss`, `process_pss`, `vulkan_budget`, `drm_fdinfo`, `dxgi`, `metal`, `nvml_process`, `nvml_device`.
    pub name: &'static str,
    /// Whose bytes it counts, in its own specification.
    pub scope: &'static str,
    /// Bytes in use.
    pub used: u64,
    /// Bytes that may be used, where it says so.
    pub budget: Option<u64>,
    /// How it contradicts its specification; it is not to be believed then.
    pub doubts: Vec<String>,
}

impl Witness {
    fn new(name: &'static str, scope: &'static str, used: u64, budget: Option<u64>) -> Self {
        Self { name, scope, used, budget, doubts: vec![] }
    }
}

/// What a device's driver requires of a buffer, and where the allocator looks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The number of the memory type.
    pub memory_type: usize,
    /// Bytes.
    pub size: u64,
    /// What its place is a multiple of.
    pub alignment: u64,
}

/// Who can see a buffer, which decides its memory type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Kernels only.
    Device,
    /// The host writes it.
    Upload,
    /// The host reads it.
    Download,
}

impl Gpu {
    /// Every witness that this system has.
    #[must_use]
    pub fn witnesses(&self) -> Vec<Witness> {
        let mut all = process::witnesses();
        let held = all.iter().find(|w| w.name == "process_rss").map(|w| w.used);
        // A software device's memory is the process's: no witness may count more than that.
        let most = held.filter(|_| self.info().is_software());
        all.extend(vulkan::witness(&self.shared.device, self.allocator().map(|a| a.reserved), most));
        #[cfg(all(windows, feature = "native-witness"))]
        all.extend(dxgi::witness(&self.shared.device));
        #[cfg(all(target_vendor = "apple", feature = "native-witness"))]
        all.extend(metal::witness(&self.shared.device));
        #[cfg(feature = "nvml")]
        all.extend(nvml::witnesses(&self.info().name));
        all
    }

    /// Bytes of memory on the device: of its own heaps, or all where it has none of its own. `None` where the backend does not tell.
    #[must_use]
    pub fn memory_bytes(&self) -> Option<u64> {
        vulkan::memory_bytes(&self.shared.device)
    }

    /// Bytes that could be had: the memory of the device, or what the host has left where a software device takes it from there.
    #[must_use]
    pub fn available_bytes(&self) -> Option<u64> {
        let host = if self.info().is_software() { super::host_available() } else { None };
        [host, self.memory_bytes()].into_iter().flatten().min()
    }

    /// Whether the host can see each memory type, in the device's order; `None` where the backend does not tell.
    #[must_use]
    pub fn memory_types(&self) -> Option<Vec<bool>> {
        vulkan::memory_types(&self.shared.device)
    }

    /// What the driver would require of a buffer of so many bytes; nothing is allocated. `None` where the backend does not tell.
    #[must_use]
    pub fn requirement(&self, bytes: u64, sight: Sight) -> Option<Requirement> {
        vulkan::requirement(&self.shared.device, bytes, sight)
    }

    /// Bytes that the driver required for all buffers alive, wgpu's own too; `None` where the backend does not count them.
    #[must_use]
    pub fn required_bytes(&self) -> Option<u64> {
        let counted = self.shared.device.get_internal_counters().hal.buffer_memory.read();
        (counted > 0).then_some(counted as u64)
    }
}
