//! Weighing on the device: every byte has a name.

use weighbridge::footprint::{Class, Device, Precision, WeighOptions, weigh};
use weighbridge::format::{self, Format, NonFinite};
use weighbridge::gpu::GpuOptions;
use weighbridge::io::Model;

use crate::data::{gpu, options};
use crate::gguf_maker::Maker;

static LAYER: &[u8] = include_bytes!("../../data/minilm-layer0.safetensors");

fn formats() -> Vec<Format> {
    ["bf16", "int8", "int4:g64:asym", "int8:tensor:f16", "q8_0", "q5_1"].map(|name| name.parse().unwrap()).to_vec()
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

#[test]
fn what_is_coded_in_the_file_is_dequantized_first() {
    let x: Vec<f32> = (0..96 * 64).map(|i| ((i * 37) % 101) as f32 / 50.0 - 1.0).collect();
    for (number, name) in [(2, "q4_0"), (3, "q4_1"), (6, "q5_0"), (7, "q5_1"), (8, "q8_0")] {
        let stored: Format = name.parse().unwrap();
        let blocks = format::encode(&stored, name, &x, 64, NonFinite::Reject).unwrap().planes.remove(0);
        let meant = format::decode(&stored, std::slice::from_ref(&blocks), x.len(), 64);
        let file = Maker::sample().with(|m| {
            m.tensors = vec![("blk.0.attn_q.weight".into(), vec![64, 96], number, 0)];
            m.data = blocks;
        });
        let model = Model::parse(name, file.bytes()).unwrap();
        let formats = ["bf16", "int8:tensor", "q4_0"].map(|name| name.parse().unwrap());
        let on = |device| weigh(&model, &formats, &device, &WeighOptions::default(), &mut |_| ()).unwrap().precisions;
        for (gpu, cpu) in on(Device::Gpu(options())).iter().zip(on(Device::Cpu)) {
            let tensor = &gpu.tensors[0];
            assert!(tensor.dequantized_first && tensor.source == name, "{tensor:?}");
            let want = format::encode(&gpu.format.parse().unwrap(), name, &meant, 64, NonFinite::Reject).unwrap().errors;
            let (got, want) = (tensor.relative_rmse.unwrap(), want.relative_rmse().unwrap());
            assert!((got - want).abs() <= 2e-5 * want, "{name} to {}: {got} {want}", gpu.format);
            assert_eq!(gpu.line("residual"), Some(0));
            assert_eq!((gpu.estimated_bytes, gpu.line("scales")), (cpu.estimated_bytes, cpu.line("scales")));
        }
    }
}

#[test]
fn rules_mix_formats_and_every_byte_has_a_name() {
    let model = Model::embedded("layer", LAYER).unwrap();
    let mut weighing = WeighOptions::default();
    weighing.rules =
        ["value=keep", "attention*query=q8_0", "intermediate=int4:g32:asym:f16"].map(|r| r.parse().unwrap()).to_vec();
    weighing.keep = vec![Class::Attention];
    let report = weigh(&model, &["q4_0".parse().unwrap()], &Device::Gpu(options()), &weighing, &mut |_| ()).unwrap();
    let precision = &report.precisions[0];
    let became = |part: &str| precision.tensors.iter().find(|t| t.name.contains(part) && t.name.ends_with("weight")).unwrap();
    assert_eq!(became("self.query").format, "q8_0", "a rule goes before a class that is kept");
    assert_eq!((became("self.value").format.as_str(), became("self.value").kept), ("f32", Some("a rule keeps it")));
    assert_eq!(became("self.key").kept, Some("its class is kept"));
    assert_eq!(became("intermediate").format, "int4:g32:asym:f16");
    assert_eq!(precision.tensors.iter().find(|t| t.name.ends_with("layer.0.output.dense.weight")).unwrap().format, "q4_0");
    let named: i64 = precision.lines.iter().map(|l| l.bytes).sum();
    assert_eq!(precision.estimated_bytes as i64 + named, precision.measured_bytes() as i64);
    assert_eq!((precision.line("residual"), precision.line("rules")), (Some(0), Some(384 * 384 / 2)));
    let (rows, groups) = (1536, 384 / 32);
    assert_eq!(precision.line("zero_points"), Some(rows / 2 * groups));
}
