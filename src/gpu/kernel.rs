//! A checked program as a pipeline of a device.

use std::sync::Arc;

use super::params::Params;
use super::program::Program;
use super::reflect::Access;
use super::{Gpu, Shared};
use crate::error::Result;

/// A program compiled for a device.
#[derive(Debug)]
pub struct Kernel {
    /// What it was made from.
    pub program: Program,
    pub(super) pipeline: wgpu::ComputePipeline,
    pub(super) layout: wgpu::BindGroupLayout,
}

impl Kernel {
    /// Invocations in a workgroup.
    #[must_use]
    pub fn workgroup(&self) -> u32 {
        self.program.reflection.workgroup
    }
}

impl Gpu {
    /// The kernel of the shader `root` with its `slots` filled; made once for a device.
    ///
    /// # Errors
    /// [`crate::Error::Shader`] where the shader is out of step with `P`, [`crate::Error::Device`] where the driver rejects it.
    pub fn kernel<P: Params>(&self, root: &str, slots: &[(&str, &str)]) -> Result<Arc<Kernel>> {
        let key = format!("{root} {slots:?}");
        if let Some(kernel) = Shared::lock(&self.shared.kernels).get(&key) {
            return Ok(kernel.clone());
        }
        let kernel = Arc::new(self.compile(Program::new::<P>(root, slots)?)?);
        Shared::lock(&self.shared.kernels).insert(key, kernel.clone());
        Ok(kernel)
    }

    fn compile(&self, program: Program) -> Result<Kernel> {
        let entries: Vec<_> = program
            .reflection
            .bindings
            .iter()
            .map(|binding| wgpu::BindGroupLayoutEntry {
                binding: binding.number,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: match binding.access {
                        Access::Uniform => wgpu::BufferBindingType::Uniform,
                        Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
                        Access::Write => wgpu::BufferBindingType::Storage { read_only: false },
                    },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        let name = program.name.clone();
        let (pipeline, layout) = self.guarded(&name, 0, |device| {
            let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
                label: Some(&name),
                source: wgpu::ShaderSource::Wgsl(program.linked.text.as_str().into()),
            });
            let layout =
                device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(&name), entries: &entries });
            let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(&name),
                bind_group_layouts: &[Some(&layout)],
                immediate_size: 0,
            });
            let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
                label: Some(&name),
                layout: Some(&pipeline_layout),
                module: &module,
                entry_point: Some("main"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                cache: None,
            });
            (pipeline, layout)
        })?;
        Ok(Kernel { program, pipeline, layout })
    }
}
