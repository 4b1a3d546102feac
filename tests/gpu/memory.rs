//! The ledger, and memory that is not there: an error, never a panic or an abort.

use weighbridge::Error;
use weighbridge::format::{Element, Format};
use weighbridge::gpu::Kind;
use weighbridge::quantize::{QuantizeOptions, quantize};
use weighbridge::tensor::Tensor;

use crate::data::{Words, bytes_of, open, options};

#[test]
fn every_buffer_is_on_the_ledger_and_the_allocator_agrees() {
    let gpu = open(options());
    gpu.quiesce().unwrap();
    let fresh = gpu.allocator().map(|a| a.allocated);
    let mut words = Words(7);
    let x: Vec<f32> = (0..64 * 1024).map(|_| words.weight()).collect();
    let source = Tensor::upload(&gpu, "scratch/source", &[64, 1024], Element::F32, &bytes_of(&x, Element::F32)).unwrap();
    let int8: Format = "int8".parse().unwrap();
    let (tensor, _) = quantize(&gpu, &source, &int8, &QuantizeOptions::default()).unwrap();
    let held = tensor.requested_bytes() + source.requested_bytes();
    assert_eq!(source.requested_bytes(), 64 * 1024 * 4);
    assert_eq!(tensor.requested_bytes(), 64 * 1024 + 64 * 4);
    gpu.trim();
    gpu.quiesce().unwrap();
    assert_eq!(gpu.ledger().live_bytes(), held);
    assert_eq!(gpu.ledger().by_class()["scratch"], held);
    assert!(gpu.ledger().peak_bytes() > held, "the sums and the staging were there for a while");
    // The allocator may round each buffer up to its own granularity.
    if let (Some(fresh), Some(now)) = (fresh, gpu.allocator()) {
        let over = now.allocated - fresh - held;
        assert!(over < 3 * 65_536, "{over} bytes more than the ledger has");
    }
    drop((tensor, source));
    gpu.quiesce().unwrap();
    assert_eq!(gpu.ledger().live_bytes(), 0);
    assert_eq!(gpu.allocator().map(|a| a.allocated), fresh);
}

#[test]
fn what_cannot_fit_is_refused_beforehand() {
    let gpu = open(options());
    let limit = gpu.limits().max_buffer_size;
    let error = gpu.buffer::<u8>("weight/huge", limit + 4).unwrap_err();
    assert!(matches!(&error, Error::TooLarge { asked, .. } if *asked > limit), "{error}");
    if gpu.info().kind == Kind::Software {
        let error = gpu.check_memory("the model", 1 << 50).unwrap_err();
        assert!(error.to_string().contains("available memory"), "{error}");
    }
    let mut options = options();
    options.memory_limit = Some(1 << 20);
    let gpu = open(options);
    let first = gpu.buffer::<u8>("weight/first", 1 << 19).unwrap();
    let error = gpu.buffer::<u8>("weight/second", (1 << 19) + 4).unwrap_err();
    assert!(error.is_out_of_memory() && error.hint().is_some(), "{error}");
    drop(first);
    gpu.buffer::<u8>("weight/second", (1 << 19) + 4).unwrap();
}

/// A driver with a memory budget refuses through the device: the refusal is an error, and the device stays usable.
#[test]
fn the_device_out_of_memory_is_an_error() {
    let field = |name: &str| {
        let table = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let line = table.lines().find_map(|l| l.strip_prefix(name).map(str::to_owned));
        line.and_then(|l| l.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    let (total, available) = (field("MemTotal:"), field("MemAvailable:"));
    let mut options = options();
    // A little above what the system uses now: lavapipe's budget is the host's memory.
    options.budget_percent = Some(((total - available) * 100 / total.max(1) + 2) as u8);
    let gpu = open(options);
    // Nothing touches the buffer, so it costs the host nothing.
    let bytes = gpu.limits().max_buffer_size / 4 * 4;
    let refused = gpu.buffer::<u8>("weight/over_budget", bytes);
    // Other drivers have no budget (SwiftShader) or another memory; on a large host 2 % are more than a buffer can be.
    if gpu.info().name.contains("llvmpipe") && bytes > total / 100 * 3 {
        let error = refused.expect_err("lavapipe 25 has a memory budget");
        assert!(matches!(error, Error::OutOfMemory { asked, .. } if asked == bytes), "{error}");
    }
    gpu.buffer::<u8>("weight/small", 1 << 16).expect("the device is still usable");
}
