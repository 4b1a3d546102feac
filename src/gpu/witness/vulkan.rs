//! What the Vulkan driver says: heaps and their budget (`VK_EXT_memory_budget`), memory types, what it requires of a buffer.

#[cfg(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd"))]
mod native {
    // Queries of the driver through wgpu's door to it; each says why it is sound.
    #![allow(unsafe_code)]

    use ash::vk;

    use super::super::{Requirement, Sight, Witness};

    type Api = wgpu::hal::api::Vulkan;

    struct Heaps {
        memory: vk::PhysicalDeviceMemoryProperties,
        budget: Option<vk::PhysicalDeviceMemoryBudgetPropertiesEXT<'static>>,
    }

    fn heaps(device: &wgpu::Device) -> Option<Heaps> {
        // SAFETY: the handle is only asked, and not kept beyond this call.
        let hal = unsafe { device.as_hal::<Api>() }?;
        if hal.shared_instance().instance_api_version() < vk::API_VERSION_1_1 {
            return None;
        }
        let (instance, physical) = (hal.shared_instance().raw_instance(), hal.raw_physical_device());
        // SAFETY: instance and physical device live as long as the guard, and Vulkan 1.1 has both queries.
        let extensions = unsafe { instance.enumerate_device_extension_properties(physical) }.ok()?;
        let has = extensions.iter().any(|e| e.extension_name_as_c_str() == Ok(ash::ext::memory_budget::NAME));
        let mut budget = vk::PhysicalDeviceMemoryBudgetPropertiesEXT::default();
        let mut properties = vk::PhysicalDeviceMemoryProperties2::default();
        if has {
            properties = properties.push_next(&mut budget);
        }
        // SAFETY: as above; the chain holds structures that the driver knows.
        unsafe { instance.get_physical_device_memory_properties2(physical, &mut properties) };
        let memory = properties.memory_properties;
        budget.p_next = std::ptr::null_mut();
        Some(Heaps { memory, budget: has.then_some(budget) })
    }

    impl Heaps {
        fn count(&self) -> usize {
            self.memory.memory_heap_count as usize
        }

        /// Those of the device's own memory, or all where it has none.
        fn own(&self) -> Vec<usize> {
            let of = |i: &usize| self.memory.memory_heaps[*i].flags.contains(vk::MemoryHeapFlags::DEVICE_LOCAL);
            let own: Vec<usize> = (0..self.count()).filter(of).collect();
            if own.is_empty() { (0..self.count()).collect() } else { own }
        }
    }

    pub fn memory_bytes(device: &wgpu::Device) -> Option<u64> {
        let heaps = heaps(device)?;
        Some(heaps.own().into_iter().map(|i| heaps.memory.memory_heaps[i].size).sum())
    }

    /// The budget of all heaps: this process's use, as far as the driver keeps to the specification.
    pub fn witness(device: &wgpu::Device, reserved: Option<u64>, most: Option<u64>) -> Option<Witness> {
        let heaps = heaps(device)?;
        let of = heaps.budget?;
        let all = 0..heaps.count();
        let sum = |values: &[u64]| all.clone().map(|i| values[i]).sum::<u64>();
        let (used, budget) = (sum(&of.heap_usage), sum(&of.heap_budget));
        let scope = "this process's memory in all heaps, as the driver estimates it";
        let mut witness = Witness::new("vulkan_budget", scope, used, Some(budget));
        for i in all {
            let size = heaps.memory.memory_heaps[i].size;
            if of.heap_budget[i] > size {
                witness.doubts.push(format!("heap {i}: a budget of {} bytes, the heap has {size}", of.heap_budget[i]));
            }
        }
        if let Some(reserved) = reserved.filter(|reserved| used < *reserved) {
            witness.doubts.push(format!("{used} bytes in use, and wgpu's allocator alone holds {reserved}"));
        }
        if let Some(most) = most.filter(|most| used > *most) {
            witness.doubts.push(format!("{used} bytes in use, and this whole process holds {most}: it counts others too"));
        }
        Some(witness)
    }

    pub fn memory_types(device: &wgpu::Device) -> Option<Vec<bool>> {
        let memory = heaps(device)?.memory;
        let visible = |t: &vk::MemoryType| t.property_flags.contains(vk::MemoryPropertyFlags::HOST_VISIBLE);
        Some(memory.memory_types[..memory.memory_type_count as usize].iter().map(visible).collect())
    }

    pub fn requirement(device: &wgpu::Device, bytes: u64, sight: Sight) -> Option<Requirement> {
        use vk::MemoryPropertyFlags as Flags;
        let memory = heaps(device)?.memory;
        // SAFETY: the handle is only used within this call.
        let hal = unsafe { device.as_hal::<Api>() }?;
        let usage = match sight {
            Sight::Device => {
                vk::BufferUsageFlags::STORAGE_BUFFER | vk::BufferUsageFlags::TRANSFER_SRC | vk::BufferUsageFlags::TRANSFER_DST
            }
            Sight::Upload => vk::BufferUsageFlags::TRANSFER_SRC,
            Sight::Download => vk::BufferUsageFlags::TRANSFER_DST,
        };
        let info = vk::BufferCreateInfo::default().size(bytes).usage(usage).sharing_mode(vk::SharingMode::EXCLUSIVE);
        let raw = hal.raw_device();
        // SAFETY: the buffer never has memory and is destroyed before the guard goes.
        let needs = unsafe {
            let buffer = raw.create_buffer(&info, None).ok()?;
            let needs = raw.get_buffer_memory_requirements(buffer);
            raw.destroy_buffer(buffer, None);
            needs
        };
        // gpu-allocator 0.28: what it prefers, and what will do.
        let host = Flags::HOST_VISIBLE | Flags::HOST_COHERENT;
        let wishes = match sight {
            Sight::Device => [Flags::DEVICE_LOCAL, Flags::DEVICE_LOCAL],
            Sight::Upload => [host | Flags::DEVICE_LOCAL, host],
            Sight::Download => [host | Flags::HOST_CACHED, host],
        };
        let types = &memory.memory_types[..memory.memory_type_count as usize];
        let find = |wish: &Flags| {
            (0..types.len()).find(|i| needs.memory_type_bits & (1 << i) != 0 && types[*i].property_flags.contains(*wish))
        };
        let memory_type = wishes.iter().find_map(find)?;
        Some(Requirement { memory_type, size: needs.size, alignment: needs.alignment })
    }
}

#[cfg(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd"))]
pub(super) use native::{memory_bytes, memory_types, requirement, witness};

#[cfg(not(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")))]
mod absent {
    use super::super::{Requirement, Sight, Witness};

    pub fn memory_bytes(_: &wgpu::Device) -> Option<u64> {
        None
    }

    pub fn witness(_: &wgpu::Device, _: Option<u64>, _: Option<u64>) -> Option<Witness> {
        None
    }

    pub fn memory_types(_: &wgpu::Device) -> Option<Vec<bool>> {
        None
    }

    pub fn requirement(_: &wgpu::Device, _: u64, _: Sight) -> Option<Requirement> {
        None
    }
}

#[cfg(not(any(windows, target_os = "linux", target_os = "android", target_os = "freebsd")))]
pub(super) use absent::{memory_bytes, memory_types, requirement, witness};
