//! DXGI's count of this process's memory. Not measured: no machine with Windows has run it.
#![allow(unsafe_code)]

use windows::Win32::Graphics::Dxgi::{
    CreateDXGIFactory2, DXGI_CREATE_FACTORY_FLAGS, DXGI_MEMORY_SEGMENT_GROUP_LOCAL, DXGI_MEMORY_SEGMENT_GROUP_NON_LOCAL,
    DXGI_QUERY_VIDEO_MEMORY_INFO, IDXGIAdapter3, IDXGIFactory4,
};

use super::Witness;

pub(super) fn witness(device: &wgpu::Device) -> Option<Witness> {
    // SAFETY: the handle is only asked, and not kept beyond this call.
    let hal = unsafe { device.as_hal::<wgpu::hal::api::Dx12>() }?;
    // SAFETY: COM calls without further conditions; the structures are written whole by the calls that fill them.
    let (local, beyond) = unsafe {
        let luid = hal.raw_device().GetAdapterLuid();
        let factory: IDXGIFactory4 = CreateDXGIFactory2(DXGI_CREATE_FACTORY_FLAGS(0)).ok()?;
        let adapter: IDXGIAdapter3 = factory.EnumAdapterByLuid(luid).ok()?;
        let mut local = DXGI_QUERY_VIDEO_MEMORY_INFO::default();
        let mut beyond = DXGI_QUERY_VIDEO_MEMORY_INFO::default();
        adapter.QueryVideoMemoryInfo(0, DXGI_MEMORY_SEGMENT_GROUP_LOCAL, &mut local).ok()?;
        adapter.QueryVideoMemoryInfo(0, DXGI_MEMORY_SEGMENT_GROUP_NON_LOCAL, &mut beyond).ok()?;
        (local, beyond)
    };
    // Windows moves memory to the host without a word: both segments count.
    let used = local.CurrentUsage + beyond.CurrentUsage;
    Some(Witness::new("dxgi", "this process's memory, on the device and beyond", used, Some(local.Budget)))
}
