//! Which adapters there are, which one is chosen, and what to do where there is none.

use serde::Serialize;

use crate::error::{Error, Result};

/// Which adapter to take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Selector {
    /// The most powerful: discrete, then integrated, virtual, software.
    #[default]
    MostPowerful,
    /// The number that `weighbridge devices` prints, from 0.
    Index(usize),
    /// The first whose name contains this text, in any case.
    Name(String),
}

impl std::str::FromStr for Selector {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Index))
    }
}

/// What kind of device an adapter is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A GPU with memory of its own.
    Discrete,
    /// A GPU that shares the host's memory.
    Integrated,
    /// A GPU lent by a hypervisor.
    Virtual,
    /// The host's processor, through a driver such as lavapipe or SwiftShader.
    Software,
    /// None of these, or not said.
    Other,
}

/// The limits that matter here, in WebGPU's names; bytes where they are sizes.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Limits {
    /// The largest buffer.
    pub max_buffer_size: u64,
    /// The largest part of a buffer that a kernel can see.
    pub max_storage_buffer_binding_size: u64,
    /// What the beginning of such a part is a multiple of.
    pub min_storage_buffer_offset_alignment: u64,
    /// Storage buffers that a kernel can see at once.
    pub max_storage_buffers_per_shader_stage: u64,
    /// Invocations in a workgroup.
    pub max_compute_invocations_per_workgroup: u64,
    /// Workgroup memory.
    pub max_compute_workgroup_storage_size: u64,
    /// Workgroups in one dimension of a dispatch.
    pub max_compute_workgroups_per_dimension: u64,
}

impl Limits {
    pub(super) fn of(limits: &wgpu::Limits) -> Self {
        Self {
            max_buffer_size: limits.max_buffer_size,
            max_storage_buffer_binding_size: limits.max_storage_buffer_binding_size,
            min_storage_buffer_offset_alignment: limits.min_storage_buffer_offset_alignment.into(),
            max_storage_buffers_per_shader_stage: limits.max_storage_buffers_per_shader_stage.into(),
            max_compute_invocations_per_workgroup: limits.max_compute_invocations_per_workgroup.into(),
            max_compute_workgroup_storage_size: limits.max_compute_workgroup_storage_size.into(),
            max_compute_workgroups_per_dimension: limits.max_compute_workgroups_per_dimension.into(),
        }
    }
}

/// A device, as its driver describes it.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct AdapterInfo {
    /// The device's name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// The graphics interface: `vulkan`, `metal`, `dx12`.
    pub backend: String,
    /// The driver and its version.
    pub driver: String,
    /// The least and the greatest number of lanes in a subgroup.
    pub subgroup_sizes: [u32; 2],
    /// Optional features that it offers, of those that could speed something up.
    pub features: Vec<&'static str>,
    /// Its limits.
    pub limits: Limits,
}

impl AdapterInfo {
    /// Whether the host's processor does the work.
    #[must_use]
    pub fn is_software(&self) -> bool {
        self.kind == Kind::Software
    }

    pub(super) fn of(info: &wgpu::AdapterInfo, features: wgpu::Features, limits: &wgpu::Limits) -> Self {
        let kind = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => Kind::Discrete,
            wgpu::DeviceType::IntegratedGpu => Kind::Integrated,
            wgpu::DeviceType::VirtualGpu => Kind::Virtual,
            wgpu::DeviceType::Cpu => Kind::Software,
            wgpu::DeviceType::Other => Kind::Other,
        };
        let offered = [
            ("subgroup", wgpu::Features::SUBGROUP),
            ("shader-f16", wgpu::Features::SHADER_F16),
            ("shader-int64", wgpu::Features::SHADER_INT64),
            ("timestamp-query", wgpu::Features::TIMESTAMP_QUERY),
            ("mappable-primary-buffers", wgpu::Features::MAPPABLE_PRIMARY_BUFFERS),
        ];
        Self {
            name: info.name.clone(),
            kind,
            backend: info.backend.to_string(),
            driver: format!("{} {}", info.driver, info.driver_info).trim().to_owned(),
            subgroup_sizes: [info.subgroup_min_size, info.subgroup_max_size],
            features: offered.iter().filter(|(_, f)| features.contains(*f)).map(|(name, _)| *name).collect(),
            limits: Limits::of(limits),
        }
    }
}

/// The interfaces that are asked. GL is left out: its drivers guard neither indices nor divisions, and a fall to it is not seen.
const BACKENDS: wgpu::Backends = wgpu::Backends::VULKAN.union(wgpu::Backends::METAL).union(wgpu::Backends::DX12);

pub(super) fn instance(budget_percent: Option<u8>) -> wgpu::Instance {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = BACKENDS;
    // The driver's own validation layers slow every call; wgpu validates by itself.
    descriptor.flags = wgpu::InstanceFlags::empty();
    descriptor.memory_budget_thresholds.for_resource_creation = budget_percent;
    wgpu::Instance::new(descriptor)
}

/// The adapters of this machine, the most powerful first; their numbers are [`Selector::Index`].
#[must_use]
pub fn adapters() -> Vec<AdapterInfo> {
    enumerate(&instance(None)).iter().map(|a| AdapterInfo::of(&a.get_info(), a.features(), &a.limits())).collect()
}

fn enumerate(instance: &wgpu::Instance) -> Vec<wgpu::Adapter> {
    let mut adapters = pollster::block_on(instance.enumerate_adapters(BACKENDS));
    adapters.sort_by_key(|adapter| match adapter.get_info().device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    });
    adapters
}

pub(super) fn choose(instance: &wgpu::Instance, selector: &Selector) -> Result<wgpu::Adapter> {
    let adapters = enumerate(instance);
    if adapters.is_empty() {
        let reason = pollster::block_on(instance.request_adapter(&wgpu::RequestAdapterOptions::default()))
            .map_or_else(|e| e.to_string(), |a| format!("only {}", a.get_info().name));
        return Err(Error::NoAdapter {
            looked_for: "any Vulkan, Metal or DX12 adapter".into(),
            found: format!("none ({reason})"),
            hint: install_hint(),
        });
    }
    let names: Vec<String> = adapters.iter().map(|a| a.get_info().name).collect();
    let index = match selector {
        Selector::MostPowerful => Some(0),
        Selector::Index(index) => Some(*index).filter(|i| *i < adapters.len()),
        Selector::Name(name) => names.iter().position(|n| n.to_lowercase().contains(&name.to_lowercase())),
    };
    let Some(adapter) = index.and_then(|i| adapters.into_iter().nth(i)) else {
        let asked = match selector {
            Selector::Index(index) => format!("adapter number {index}"),
            Selector::Name(name) => format!("an adapter whose name contains {name:?}"),
            Selector::MostPowerful => "any adapter".into(),
        };
        let found: Vec<_> = names.iter().enumerate().map(|(i, name)| format!("{i}: {name}")).collect();
        return Err(Error::NoAdapter {
            looked_for: asked,
            found: found.join(", "),
            hint: "`weighbridge devices` lists the adapters; `--adapter cpu` runs on the processor without a GPU".into(),
        });
    };
    check(&adapter)?;
    Ok(adapter)
}

/// Every kernel here needs what WebGPU guarantees, and nothing more.
fn check(adapter: &wgpu::Adapter) -> Result<()> {
    let (have, need) = (Limits::of(&adapter.limits()), Limits::of(&wgpu::Limits::default()));
    let pairs = [
        ("max_buffer_size", need.max_buffer_size, have.max_buffer_size),
        ("max_storage_buffer_binding_size", need.max_storage_buffer_binding_size, have.max_storage_buffer_binding_size),
        (
            "max_storage_buffers_per_shader_stage",
            need.max_storage_buffers_per_shader_stage,
            have.max_storage_buffers_per_shader_stage,
        ),
        (
            "max_compute_invocations_per_workgroup",
            need.max_compute_invocations_per_workgroup,
            have.max_compute_invocations_per_workgroup,
        ),
    ];
    for (limit, need, have) in pairs {
        if have < need {
            return Err(Error::WeakAdapter { adapter: adapter.get_info().name, limit, need, have });
        }
    }
    Ok(())
}

/// What to install on this system so that an adapter is found.
fn install_hint() -> String {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let is = |id: &str| {
        release
            .lines()
            .any(|l| (l.starts_with("ID=") || l.starts_with("ID_LIKE=")) && l.split(['=', ' ', '"']).any(|word| word == id))
    };
    let install = if cfg!(target_os = "windows") {
        "install the graphics driver of your card's maker (DX12 or Vulkan)"
    } else if cfg!(target_os = "macos") {
        "Metal comes with macOS; a virtual machine may hide it"
    } else if is("debian") || is("ubuntu") {
        "sudo apt-get install libvulkan1 mesa-vulkan-drivers (AMD, Intel, or software on any processor), or NVIDIA's driver"
    } else if is("fedora") || is("rhel") {
        "sudo dnf install vulkan-loader mesa-vulkan-drivers, or NVIDIA's driver"
    } else if is("arch") {
        "sudo pacman -S vulkan-icd-loader and vulkan-radeon, vulkan-intel, nvidia-utils or vulkan-swrast"
    } else {
        "install the Vulkan loader (libvulkan.so.1) and your card's Vulkan driver, or Mesa's lavapipe for none"
    };
    format!("{install}; `--adapter cpu` needs no GPU")
}
