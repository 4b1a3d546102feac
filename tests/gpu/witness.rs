//! The allocator predicted, and witnesses held against known sizes.

use weighbridge::footprint::Observer;
use weighbridge::footprint::estimate::{Allocator, Policy, WGPU_OWN};
use weighbridge::gpu::{Buffer, Gpu, MemoryHint, Sight, calibrate};
use weighbridge::train::{Hyper, Optimizer, Trained};

use crate::data::{Words, open, options};

fn with(hint: MemoryHint) -> Gpu {
    let mut options = options();
    options.memory = hint;
    open(options)
}

/// The allocator of a fresh device, as it should be.
fn fresh(gpu: &Gpu, policy: Policy) -> Option<Allocator> {
    gpu.quiesce().unwrap();
    let Some(types) = gpu.memory_types() else {
        assert_ne!(gpu.info().backend, "vulkan", "Vulkan tells");
        return None;
    };
    let mut predicted = Allocator::new(policy, &types);
    for bytes in WGPU_OWN {
        let needs = gpu.requirement(bytes, Sight::Device).unwrap();
        predicted.allocate(needs.memory_type, needs.size, needs.alignment);
    }
    Some(predicted)
}

/// A caller's own device, its allocator told sizes of blocks.
fn manual(range: std::ops::Range<u64>) -> Gpu {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    descriptor.flags = wgpu::InstanceFlags::empty();
    let instance = wgpu::Instance::new(descriptor);
    let adapter = pollster::block_on(instance.request_adapter(&Default::default())).unwrap();
    let (device, queue) = pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor {
        memory_hints: wgpu::MemoryHints::Manual { suballocated_device_memory_block_size: range },
        ..Default::default()
    }))
    .unwrap();
    Gpu::from_wgpu(device, queue)
}

#[test]
fn what_is_reserved_is_predicted_to_the_byte() {
    let mib = 1 << 20;
    let devices = [
        (with(MemoryHint::MemoryUsage), Policy::MEMORY_USAGE),
        (with(MemoryHint::Performance), Policy::PERFORMANCE),
        (manual(10 * mib..50 * mib), Policy::manual(10 * mib, 50 * mib)),
    ];
    for (gpu, policy) in devices {
        let Some(mut predicted) = fresh(&gpu, policy) else { return };
        let now = gpu.allocator().unwrap();
        assert_eq!((now.allocated, now.reserved), (predicted.allocated(), predicted.reserved()), "{policy:?}: fresh");
        let mut words = Words(11);
        let mut held: Vec<Buffer<u8>> = Vec::new();
        for i in 0..60 {
            // Sizes of three kinds: odd and small, some hundreds of KiB, and now and then larger than a block.
            let bytes = match i % 10 {
                0 => 9 << 20,
                1..4 => 4 * (1 + words.next() % 5000),
                9 if i == 39 => 70 << 20,
                _ => 4 * (1 + words.next() % 200_000),
            };
            let needs = gpu.requirement(bytes, Sight::Device).unwrap();
            predicted.allocate(needs.memory_type, needs.size, needs.alignment);
            held.push(gpu.buffer("scratch/test", bytes).unwrap());
            let now = gpu.allocator().unwrap();
            assert_eq!((now.allocated, now.reserved), (predicted.allocated(), predicted.reserved()), "{policy:?} buffer {i}");
        }
    }
}

#[test]
fn what_is_freed_costs_a_block_at_most() {
    let gpu = with(MemoryHint::MemoryUsage);
    let Some(mut predicted) = fresh(&gpu, Policy::MEMORY_USAGE) else { return };
    let mut words = Words(12);
    let mut held = Vec::new();
    for round in 0..120 {
        if round % 3 == 2 {
            let (buffer, ticket) = held.swap_remove((words.next() % held.len() as u64) as usize);
            drop::<Buffer<u8>>(buffer);
            gpu.quiesce().unwrap();
            predicted.free(ticket);
        } else {
            let bytes = 4 * (1 + words.next() % 700_000);
            let needs = gpu.requirement(bytes, Sight::Device).unwrap();
            let ticket = predicted.allocate(needs.memory_type, needs.size, needs.alignment);
            held.push((gpu.buffer("scratch/test", bytes).unwrap(), ticket));
        }
        let now = gpu.allocator().unwrap();
        // The largest block: a software device has host-visible memory alone.
        let block = if gpu.info().is_software() { Policy::MEMORY_USAGE.host[1] } else { Policy::MEMORY_USAGE.device[1] };
        assert!(now.reserved.abs_diff(predicted.reserved()) <= block, "{round}: {} {}", now.reserved, predicted.reserved());
    }
}

/// Other tests run in this process and move its memory: how well witnesses see the ballast is in prove.rs, where a process is alone.
#[test]
fn every_witness_is_held_against_the_ballast() {
    let gpu = with(MemoryHint::MemoryUsage);
    let calibrations = calibrate(&gpu, 8 << 20, 2).unwrap();
    let names: Vec<&str> = gpu.witnesses().iter().map(|w| w.name).collect();
    assert_eq!(calibrations.iter().map(|c| c.witness).collect::<Vec<_>>(), names);
    if cfg!(target_os = "linux") {
        assert!(names.contains(&"process_anon"), "{names:?}");
    }
    assert!(calibrations.iter().all(|c| c.slope.is_finite() && c.intercept.is_finite()), "{calibrations:?}");
    assert_eq!(gpu.ledger().live_bytes(), 0, "the ballast is gone");
}

#[test]
fn every_byte_from_the_formula_to_the_witness_has_a_name() {
    let gpu = with(MemoryHint::MemoryUsage);
    let observer = Observer::start(&gpu, &[]).unwrap();
    let n: u64 = 3_000_000;
    let mut trained = Trained::new(&gpu, Optimizer::AdamwF32, "mlp", "up", &vec![0.5; n as usize]).unwrap();
    trained.set_gradients(&gpu, &vec![0.1; n as usize]).unwrap();
    trained.step(&gpu, &Hyper::default()).unwrap();
    let odd = gpu.buffer::<u8>("norm/odd", 1000 * 4 + 4).unwrap();
    let account = observer.account(&[("mlp", 4 * n), ("gradient", 4 * n), ("optimizer", 8 * n), ("norm", 4000)]).unwrap();
    assert!(account.adds_up(), "{account:#?}");
    let bytes = |name: &str| account.levels.iter().find(|l| l.name == name).map(|l| l.bytes);
    assert_eq!(bytes("formula"), Some(16 * n + 4000));
    assert_eq!(bytes("requested"), Some(gpu.ledger().live_bytes()));
    assert_eq!(account.line("norm"), Some(4));
    assert_eq!(account.line("mlp"), None, "as said");
    assert_eq!(account.line("unexplained"), None, "required and allocated bytes are those that were predicted");
    if gpu.allocator().is_some() {
        assert!(account.line("wgpu's own buffers").unwrap() >= WGPU_OWN.iter().sum::<u64>() as i64);
        assert_eq!(bytes("reserved"), gpu.allocator().map(|a| a.reserved));
    }
    if gpu.info().is_software() {
        // Other tests share this process; alone, as in `prove`, the residual is within its tolerance.
        assert_eq!(account.witness, Some("process_anon"));
    }
    drop((trained, odd));
    gpu.trim();
    gpu.quiesce().unwrap();
    assert_eq!(gpu.ledger().live_bytes(), 0);
}
