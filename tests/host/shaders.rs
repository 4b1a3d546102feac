//! Every kernel of every format, without a GPU: linked, checked, and written as SPIR-V, MSL and HLSL.

use naga::ShaderStage;
use naga::back::{hlsl, msl, pipeline_constants::process_overrides, spv};
use naga::valid::{Capabilities, ValidationFlags, Validator};
use weighbridge::gpu::{Program, SHADERS};
use weighbridge::{block, quantize, sample, train};

fn backends(program: &Program) {
    let name = &program.name;
    let module = naga::front::wgsl::parse_str(&program.linked.text).unwrap();
    let info =
        Validator::new(ValidationFlags::all(), Capabilities::default() | Capabilities::SUBGROUP | Capabilities::SHADER_INT64)
            .validate(&module)
            .unwrap();
    let (module, info) = process_overrides(&module, &info, Some((ShaderStage::Compute, "main")), &Default::default()).unwrap();
    assert_eq!(module.entry_points[0].workgroup_size[0], program.reflection.workgroup, "{name}");

    let words = spv::write_vec(&module, &info, &spv::Options::default(), None).unwrap();
    assert_eq!(words[0], 0x0723_0203, "{name}: SPIR-V");

    let options = msl::Options { lang_version: (2, 4), fake_missing_bindings: true, ..Default::default() };
    let (text, _) = msl::write_string(&module, &info, &options, &msl::PipelineOptions::default()).unwrap();
    assert!(text.contains("kernel void main_"), "{name}: MSL");

    let mut text = String::new();
    let options = hlsl::Options { fake_missing_bindings: true, ..Default::default() };
    let pipeline = hlsl::PipelineOptions::default();
    hlsl::Writer::new(&mut text, &options, &pipeline).write(&module, &info, None).unwrap();
    assert!(text.contains("numthreads"), "{name}: HLSL");
}

#[test]
fn every_kernel_in_every_language() {
    let mut programs = quantize::programs().unwrap();
    programs.extend(sample::programs().unwrap());
    programs.extend(train::programs().unwrap());
    programs.extend(block::programs().unwrap());
    // 3 sources x (5 codecs, absmax, repitch), 5 dequantizers, scale and total_errors.
    assert!(programs.len() >= 28, "{} kernels", programs.len());
    for program in &programs {
        backends(program);
    }
    let used: Vec<&str> = programs.iter().map(|p| p.name.split('[').next().unwrap()).collect();
    for (file, text) in SHADERS.iter().filter(|(_, text)| text.contains("@compute")) {
        let _ = text;
        assert!(used.contains(file) || file.starts_with("probe/") || *file == "copy", "{file} is in no program");
    }
}
