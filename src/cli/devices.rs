//! `weighbridge devices`: what there is, what it can do, what its floats do.

use std::process::ExitCode;

use serde::Serialize;

use super::{Common, print, print_json};
use crate::error::{Error, Result};
use crate::gpu::{AdapterInfo, Gpu, GpuOptions, Kind, MemoryHint, Numerics, Selector, adapters};
use crate::units;

#[derive(Serialize)]
struct Document {
    schema: u32,
    devices: Vec<Entry>,
}

#[derive(Serialize)]
struct Entry {
    index: usize,
    #[serde(flatten)]
    info: AdapterInfo,
    software: bool,
    memory_hints: &'static str,
    numerics: Option<Numerics>,
    verdict: Option<String>,
    copy_bytes_per_second: Option<f64>,
    error: Option<String>,
}

const COPY_BYTES: u64 = 64 << 20;

pub(super) fn run(common: &Common) -> Result<ExitCode> {
    let found = adapters();
    if found.is_empty() {
        // Opening says what was looked for and what to install.
        Gpu::open(&GpuOptions::default())?;
    }
    let chosen: Option<Selector> = common.adapter.as_deref().and_then(|name| name.parse().ok());
    let wanted = |index: usize, info: &AdapterInfo| match &chosen {
        Some(Selector::Index(i)) => *i == index,
        Some(Selector::Name(name)) => info.name.to_lowercase().contains(&name.to_lowercase()),
        _ => true,
    };
    let devices: Vec<Entry> =
        found.into_iter().enumerate().filter(|(i, info)| wanted(*i, info)).map(|(i, info)| measure(i, info)).collect();
    if devices.is_empty() {
        let known = adapters().into_iter().map(|a| a.name).collect::<Vec<_>>().join(", ");
        let name = common.adapter.clone().unwrap_or_default();
        return Err(Error::UnknownName { kind: "adapter", name, known });
    }
    if common.json {
        print_json(&Document { schema: 1, devices })?;
    } else {
        devices.iter().for_each(|device| print(&text(device)));
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(index: usize, info: AdapterInfo) -> Entry {
    let measured = (|| {
        let mut options = GpuOptions::default();
        options.adapter = Selector::Index(index);
        options.memory = MemoryHint::MemoryUsage;
        let gpu = Gpu::open(&options)?;
        Ok::<_, Error>((gpu.numerics()?.clone(), gpu.copy_speed(COPY_BYTES, 5)?))
    })();
    let software = info.is_software();
    let memory_hints = MemoryHint::MemoryUsage.name();
    let (numerics, copy, error) = match measured {
        Ok((numerics, copy)) => (Some(numerics), Some(copy), None),
        Err(error) => (None, None, Some(error.to_string())),
    };
    let verdict = numerics.as_ref().map(Numerics::verdict);
    Entry { index, info, software, memory_hints, numerics, verdict, copy_bytes_per_second: copy, error }
}

fn text(device: &Entry) -> String {
    let info = &device.info;
    let kind = match info.kind {
        Kind::Discrete => "discrete GPU",
        Kind::Integrated => "integrated GPU",
        Kind::Virtual => "virtual GPU",
        Kind::Software => "software: the processor does the work",
        Kind::Other => "unknown kind",
    };
    let limits = &info.limits;
    let mut lines = vec![
        format!("{}: {} ({kind})", device.index, info.name),
        format!("   driver        {} {}", info.backend, info.driver),
        format!(
            "   limits        buffer {}, binding {}, offsets in steps of {} B",
            units::binary(limits.max_buffer_size),
            units::binary(limits.max_storage_buffer_binding_size),
            limits.min_storage_buffer_offset_alignment
        ),
        format!(
            "                 {} invocations a workgroup, {} of its memory, {} storage buffers",
            limits.max_compute_invocations_per_workgroup,
            units::binary(limits.max_compute_workgroup_storage_size),
            limits.max_storage_buffers_per_shader_stage
        ),
        format!("   features      {} (none is needed)", info.features.join(", ")),
        format!("   subgroups     {} to {} lanes", info.subgroup_sizes[0], info.subgroup_sizes[1]),
        format!("   memory hints  {} while weighing", device.memory_hints),
    ];
    if let Some(verdict) = &device.verdict {
        lines.push(format!("   numerics      {verdict}"));
    }
    if let Some(speed) = device.copy_bytes_per_second {
        let bytes = units::binary(COPY_BYTES);
        lines.push(format!("   copy          {:.2} GB/s read plus written ({bytes}, median of 5)", speed / 1e9));
    }
    if let Some(error) = &device.error {
        lines.push(format!("   cannot be used: {error}"));
    }
    lines.join("\n") + "\n"
}
