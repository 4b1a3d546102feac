//! Weighing on the device: every byte has a name.

use weighbridge::footprint::{Device, Precision, WeighOptions, weigh};
use weighbridge::format::Format;
use weighbridge::gpu::GpuOptions;
use weighbridge::io::Model;

use crate::data::{gpu, options};

static LAYER: &[u8] = include_bytes!("../../data/minilm-layer0.safetensors");

fn formats() -> Vec<Format> {
    ["bf16", "int8", "int4:g64", "q8_0"].map(|name| name.parse().unwrap()).to_vec()
}

fn run(options: GpuOptions) -> Vec<Precision> {
    let model = Model::embedded("layer", LAYER).unwrap();
    let report = weigh(&model, &formats(), &Device::Gpu(options), &WeighOptions::default(), &mut |_| ()).unwrap();
    assert_eq!(report.parameters, 1_774_464);
    report.precisions
}

#[test]
fn resident_lines_add_up_and_nothing_is_left() {
    for precision in run(options()) {
        assert_eq!(precision.mode, "resident");
        let named: i64 = precision.lines.iter().map(|l| l.bytes).sum();
        assert_eq!(precision.estimated_bytes as i64 + named, precision.measured_bytes() as i64, "{}", precision.format);
        assert_eq!(precision.line("residual"), Some(0), "{}: {:?}", precision.format, precision.lines);
        if gpu().info().backend != "metal" {
            assert!(precision.reserved_bytes >= precision.allocated_bytes && precision.allocated_bytes.is_some());
            assert!(precision.allocated_bytes >= Some(precision.requested_bytes));
        }
        let classes: u64 = precision.classes.iter().map(|c| c.measured).sum();
        let tensors: u64 = precision.tensors.iter().map(|t| t.bytes).sum();
        assert_eq!(classes, tensors);
        assert!(precision.peak_requested_bytes >= precision.requested_bytes);
    }
}

#[test]
fn streamed_where_it_does_not_fit_with_the_same_errors() {
    let mut small = options();
    small.memory_limit = Some(9_000_000);
    for (streamed, resident) in run(small).iter().zip(run(options())) {
        if streamed.format != "bf16" {
            continue;
        }
        assert_eq!((streamed.mode, streamed.reserved_bytes), ("streamed", None));
        assert_eq!(streamed.relative_rmse, resident.relative_rmse);
        assert_eq!(streamed.line("residual"), Some(0), "{:?}", streamed.lines);
        assert_eq!(streamed.line("scales"), resident.line("scales"));
    }
}

#[test]
fn the_cpu_twins_weigh_the_same() {
    let model = Model::embedded("layer", LAYER).unwrap();
    let cpu = weigh(&model, &formats(), &Device::Cpu, &WeighOptions::default(), &mut |_| ()).unwrap();
    for (cpu, gpu) in cpu.precisions.iter().zip(run(options())) {
        assert_eq!((cpu.allocated_bytes, cpu.line("residual")), (None, Some(0)));
        assert!(cpu.unmeasured.is_some());
        assert_eq!((cpu.estimated_bytes, cpu.line("scales")), (gpu.estimated_bytes, gpu.line("scales")));
        let (a, b) = (cpu.relative_rmse.unwrap(), gpu.relative_rmse.unwrap());
        assert!((a - b).abs() <= 1e-5 * a, "{}: {a} {b}", gpu.format);
    }
}
