//! A checked program as a pipeline of a device.

use std::sync::Arc;

use super::buffer::Window;
use super::params::Params;
use super::program::Program;
use super::reflect::Access;
use super::{Gpu, Shared};
use crate::error::{Error, Result};

/// Uniform bindings begin at multiples of this on every device (WebGPU's guarantee).
const PARAMS_STRIDE: usize = 256;
/// The binding that a dispatch's own parameters take.
const PARAMS: &str = "params";

/// A binding's number, and the bytes of a buffer that it is given.
pub(super) type BoundWindow = (u32, wgpu::Buffer, u64, u64);

/// Puts a dispatch's parameters behind those of others; where they begin, and how many bytes they are.
pub(super) fn push_params<P: Params>(all: &mut Vec<u8>, params: &P) -> (u64, u64) {
    let at = all.len();
    all.extend_from_slice(bytemuck::bytes_of(params));
    all.resize(at + size_of::<P>().next_multiple_of(PARAMS_STRIDE), 0);
    (at as u64, size_of::<P>() as u64)
}

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

    /// Those of the windows that the kernel binds.
    #[must_use]
    pub fn pick<'a>(&self, windows: &[(&'static str, Window<'a>)]) -> Vec<(&'static str, Window<'a>)> {
        let binds = |name: &str| self.program.reflection.bindings.iter().any(|b| b.name == name);
        windows.iter().filter(|(name, _)| binds(name)).cloned().collect()
    }

    /// The windows by their numbers, where each binding has one.
    pub(super) fn bound(&self, windows: &[(&str, Window<'_>)]) -> Result<Vec<BoundWindow>> {
        let bindings = &self.program.reflection.bindings;
        let mismatch = |message: String| {
            let file = self.program.name.clone();
            Err(Error::Shader { kernel: self.program.name.clone(), file, line: 0, message })
        };
        let mut bound = Vec::new();
        for binding in bindings.iter().filter(|b| b.name != PARAMS) {
            match windows.iter().find(|(name, _)| *name == binding.name) {
                Some((_, w)) => bound.push((binding.number, w.raw.clone(), w.bytes.start, w.bytes.end - w.bytes.start)),
                None => return mismatch(format!("nothing is bound to `{}`", binding.name)),
            }
        }
        if let Some((name, _)) = windows.iter().find(|(name, _)| !bindings.iter().any(|b| b.name == *name)) {
            let known: Vec<_> = bindings.iter().map(|b| b.name.as_str()).collect();
            return mismatch(format!("no binding `{name}`; there are {}", known.join(", ")));
        }
        Ok(bound)
    }

    /// A bind group of these windows, with the parameters (buffer, place, bytes) where there are some.
    pub(super) fn group(
        &self,
        device: &wgpu::Device,
        windows: &[BoundWindow],
        params: Option<(&wgpu::Buffer, u64, u64)>,
    ) -> wgpu::BindGroup {
        let number = self.program.reflection.bindings.iter().find(|b| b.name == PARAMS).map_or(0, |b| b.number);
        let entries: Vec<_> = windows
            .iter()
            .map(|(number, raw, at, bytes)| (*number, raw, *at, *bytes))
            .chain(params.map(|(raw, at, bytes)| (number, raw, at, bytes)))
            .map(|(binding, buffer, offset, size)| wgpu::BindGroupEntry {
                binding,
                resource: wgpu::BindingResource::Buffer(wgpu::BufferBinding {
                    buffer,
                    offset,
                    size: wgpu::BufferSize::new(size),
                }),
            })
            .collect();
        device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(&self.program.name),
            layout: &self.layout,
            entries: &entries,
        })
    }
}

impl Gpu {
    /// Workgroups in two dimensions, because one holds 65,535 at most.
    pub(super) fn grid(&self, kernel: &Kernel, groups: u64) -> Result<[u32; 2]> {
        let limit = self.limits().max_compute_workgroups_per_dimension;
        let rows = groups.div_ceil(limit);
        if rows > limit {
            let what = format!("the grid of {}", kernel.program.name);
            return Err(Error::TooLarge { what, asked: groups, limit: limit * limit, limited_by: "the largest dispatch" });
        }
        Ok([groups.div_ceil(rows) as u32, rows as u32])
    }

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
