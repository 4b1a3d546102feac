//! Metal's count of this process's memory on the device. Not measured: no Mac has run it.
#![allow(unsafe_code)]

use objc2_metal::MTLDevice as _;

use super::Witness;

pub(super) fn witness(device: &wgpu::Device) -> Option<Witness> {
    // SAFETY: the handle is only asked, and not kept beyond this call.
    let hal = unsafe { device.as_hal::<wgpu::hal::api::Metal>() }?;
    let raw = hal.raw_device();
    let used = raw.currentAllocatedSize() as u64;
    let budget = raw.recommendedMaxWorkingSetSize();
    Some(Witness::new("metal", "this process's resources on the device, rounded to pages", used, Some(budget)))
}
