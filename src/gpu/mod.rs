//! The GPU layer, and the only module that names wgpu. It knows no format and no file.
//!
//! [`Gpu`] opens a device or takes a caller's; [`Buffer`]s stand on its [`Ledger`]; a [`Program`] is a shader checked against its
//! host side, a [`Kernel`] the same compiled; a [`Recording`] collects transfers and dispatches for one submit.

mod adapter;
mod buffer;
mod kernel;
mod ledger;
mod link;
mod memory;
mod params;
mod probe;
mod program;
mod recording;
mod reflect;
mod speed;
mod staging;
mod steps;
mod timing;
mod witness;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

pub use adapter::{AdapterInfo, Kind, Limits, Selector, adapters};
pub(crate) use buffer::{BINDING, LIMIT};
pub use buffer::{Buffer, Identity, Window};
pub use kernel::Kernel;
pub use ledger::{Entry, Ledger, Line};
pub use link::{Linked, SHADERS, link};
pub use memory::{AllocatorReading, host_available, process_peak};
pub use params::Params;
pub use probe::Numerics;
pub use program::Program;
pub use recording::{Completed, Download, Recording};
pub use reflect::{Access, Binding, Reflection};
pub use speed::Copy;
pub use steps::{Encoder, Preparation, Steps};
pub use witness::{Calibration, Requirement, Sight, Witness, calibrate};

use crate::error::{Error, Result};

/// How a device is opened.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct GpuOptions {
    /// Which adapter.
    pub adapter: Selector,
    /// Whether the driver's allocator reserves small blocks (tight) or large ones (fewer calls).
    pub memory: MemoryHint,
    /// Refuse allocations beyond so many bytes on the ledger: "what if the card had 8 GB".
    pub memory_limit: Option<u64>,
    /// Use no larger bindings than this, whatever the device offers.
    pub max_binding_bytes: Option<u64>,
    /// Use no larger buffers than this, whatever the device offers.
    pub max_buffer_bytes: Option<u64>,
    /// Let the driver refuse buffers beyond this share of its memory budget, in percent.
    pub budget_percent: Option<u8>,
    /// Do without subgroups and integers of 64 bits, though the device has them. The results are the same.
    pub plain: bool,
}

/// What the driver's allocator is told to prefer; wgpu's `MemoryHints`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryHint {
    /// Large blocks.
    #[default]
    Performance,
    /// Small blocks.
    MemoryUsage,
}

impl MemoryHint {
    /// wgpu's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Performance => "Performance",
            Self::MemoryUsage => "MemoryUsage",
        }
    }
}

/// A device, its queue, its ledger and its kernels. Clones are the same device.
#[derive(Clone, Debug)]
pub struct Gpu {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: AdapterInfo,
    limits: Limits,
    memory_hint: Option<MemoryHint>,
    memory_limit: Option<u64>,
    ledger: Ledger,
    kernels: Mutex<HashMap<String, Arc<Kernel>>>,
    staging: Mutex<staging::Staging>,
    numerics: OnceLock<Numerics>,
    lost: Arc<Mutex<Option<String>>>,
}

impl Shared {
    fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gpu {
    /// Opens the adapter that `options` names, with WebGPU's default limits, but buffers and bindings as large as it has.
    ///
    /// # Errors
    /// [`Error::NoAdapter`], [`Error::WeakAdapter`], [`Error::Device`] where the driver refuses.
    pub fn open(options: &GpuOptions) -> Result<Self> {
        let adapter = adapter::choose(&adapter::instance(options.budget_percent), &options.adapter)?;
        let offered = adapter.limits();
        let least = |offered: u64, forced: Option<u64>| forced.map_or(offered, |f| f.min(offered));
        let limits = wgpu::Limits {
            max_buffer_size: least(offered.max_buffer_size, options.max_buffer_bytes),
            max_storage_buffer_binding_size: least(offered.max_storage_buffer_binding_size, options.max_binding_bytes),
            min_storage_buffer_offset_alignment: offered.min_storage_buffer_offset_alignment,
            ..wgpu::Limits::default()
        };
        let mut wanted = wgpu::Features::TIMESTAMP_QUERY;
        wanted.set(wgpu::Features::SUBGROUP | wgpu::Features::SHADER_INT64, !options.plain);
        let memory_hints = match options.memory {
            MemoryHint::Performance => wgpu::MemoryHints::Performance,
            MemoryHint::MemoryUsage => wgpu::MemoryHints::MemoryUsage,
        };
        let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
            label: Some("weighbridge"),
            required_features: adapter.features() & wanted,
            required_limits: limits,
            memory_hints,
            ..Default::default()
        }))
        .map_err(|e| Error::Device { what: "the opening of the device".into(), message: e.to_string() })?;
        let lost = Arc::new(Mutex::new(None));
        let noted = lost.clone();
        device.set_device_lost_callback(move |reason, message| {
            *Shared::lock(&noted) = Some(format!("{reason:?}: {message}"));
        });
        Ok(Self::new(device, queue, Some(options.memory), options.memory_limit, lost))
    }

    /// Uses a caller's own device. Its error handlers and settings stay as they are: errors are caught in scopes.
    #[must_use]
    pub fn from_wgpu(device: wgpu::Device, queue: wgpu::Queue) -> Self {
        Self::new(device, queue, None, None, Arc::default())
    }

    fn new(
        device: wgpu::Device,
        queue: wgpu::Queue,
        memory_hint: Option<MemoryHint>,
        memory_limit: Option<u64>,
        lost: Arc<Mutex<Option<String>>>,
    ) -> Self {
        let info = AdapterInfo::of(&device.adapter_info(), device.features(), &device.limits());
        let limits = Limits::of(&device.limits());
        let shared = Shared {
            device,
            queue,
            info,
            limits,
            memory_hint,
            memory_limit,
            ledger: Ledger::default(),
            kernels: Mutex::default(),
            staging: Mutex::default(),
            numerics: OnceLock::new(),
            lost,
        };
        Self { shared: Arc::new(shared) }
    }

    /// The device's description; its limits are those it was opened with.
    #[must_use]
    pub fn info(&self) -> &AdapterInfo {
        &self.shared.info
    }

    /// The limits that hold.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// What the driver's allocator was told; `None` on a caller's device, which does not say.
    #[must_use]
    pub fn memory_hint(&self) -> Option<MemoryHint> {
        self.shared.memory_hint
    }

    /// Whether kernels may add within subgroups.
    #[must_use]
    pub fn has_subgroups(&self) -> bool {
        self.shared.device.features().contains(wgpu::Features::SUBGROUP)
    }

    /// Whether kernels may multiply integers of 64 bits.
    #[must_use]
    pub fn has_wide_integers(&self) -> bool {
        self.shared.device.features().contains(wgpu::Features::SHADER_INT64)
    }

    /// Every buffer alive.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// What this adapter's floats do; measured at the first call.
    ///
    /// # Errors
    /// As [`Recording::run`].
    pub fn numerics(&self) -> Result<&Numerics> {
        if let Some(numerics) = self.shared.numerics.get() {
            return Ok(numerics);
        }
        let measured = probe::measure(self)?;
        Ok(self.shared.numerics.get_or_init(|| measured))
    }

    /// What the backend's allocator holds now; `None` where the backend does not tell.
    #[must_use]
    pub fn allocator(&self) -> Option<AllocatorReading> {
        self.shared.device.generate_allocator_report().map(|report| AllocatorReading::of(&report))
    }

    /// Waits until the device has done everything and given back what was dropped.
    ///
    /// # Errors
    /// [`Error::DeviceLost`].
    pub fn quiesce(&self) -> Result<()> {
        // What the first round drops is destroyed in the second.
        for _ in 0..2 {
            self.shared.queue.submit([]);
            self.wait()?;
        }
        Ok(())
    }

    fn wait(&self) -> Result<()> {
        match self.shared.device.poll(wgpu::PollType::wait_indefinitely()) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.lost_or_rejected("waiting for the device", &error)),
        }
    }

    fn lost_or_rejected(&self, what: &str, error: &dyn std::fmt::Display) -> Error {
        let reason = Shared::lock(&self.shared.lost).clone();
        match reason {
            Some(reason) => Error::DeviceLost { what: what.into(), reason },
            None => Error::Device { what: what.into(), message: error.to_string() },
        }
    }

    /// Runs `work` so that what the device says against it comes back as an error, also on a caller's device.
    fn guarded<T>(&self, what: &str, asked: u64, work: impl FnOnce(&wgpu::Device) -> T) -> Result<T> {
        let device = &self.shared.device;
        let memory = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let validation = device.push_error_scope(wgpu::ErrorFilter::Validation);
        let internal = device.push_error_scope(wgpu::ErrorFilter::Internal);
        let done = work(device);
        let internal = pollster::block_on(internal.pop());
        let validation = pollster::block_on(validation.pop());
        let memory = pollster::block_on(memory.pop());
        if let Some(reason) = Shared::lock(&self.shared.lost).clone() {
            return Err(Error::DeviceLost { what: what.into(), reason });
        }
        if memory.is_some() {
            return Err(Error::OutOfMemory { what: what.into(), asked });
        }
        match validation.or(internal) {
            Some(error) => Err(Error::Device { what: what.into(), message: error.to_string() }),
            None => Ok(done),
        }
    }
}
