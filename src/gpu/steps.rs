//! Work that is prepared once and done many times: bind groups and parameters stay on the device, and doing it allocates nothing.

use std::sync::Arc;

use super::Gpu;
use super::buffer::{Buffer, Window};
use super::kernel::{BoundWindow, Kernel, push_params};
use super::params::Params;
use super::timing::Timer;
use crate::error::Result;

/// Prepared work. It can ride in a [`super::Recording`] or in a caller's own encoder ([`Encoder`]), any number of times. Clones are
/// the same work.
#[derive(Clone, Debug)]
pub struct Steps {
    shared: Arc<Prepared>,
}

#[derive(Debug)]
struct Prepared {
    label: String,
    steps: Vec<Step>,
    // Their bytes are in the bind groups; here they stay on the ledger for as long.
    _kept: Vec<Buffer<u8>>,
}

#[derive(Debug)]
enum Step {
    Clear(wgpu::Buffer, u64, u64),
    Copy(wgpu::Buffer, u64, wgpu::Buffer, u64, u64),
    Run(Arc<Kernel>, wgpu::BindGroup, Grid),
}

#[derive(Debug)]
enum Grid {
    Groups([u32; 2]),
    Indirect(wgpu::Buffer, u64),
}

/// Work being prepared.
#[derive(Debug)]
pub struct Preparation<'a> {
    gpu: &'a Gpu,
    label: String,
    params: Vec<u8>,
    steps: Vec<Planned>,
    kept: Vec<Buffer<u8>>,
}

#[derive(Debug)]
enum Planned {
    Ready(Step),
    Run(Arc<Kernel>, Vec<BoundWindow>, (u64, u64), Grid),
}

/// A caller's own command encoder, into which prepared work is recorded: no submit, no wait, no readback.
#[derive(Debug)]
pub struct Encoder<'a> {
    raw: &'a mut wgpu::CommandEncoder,
}

impl<'a> Encoder<'a> {
    /// Wraps an encoder of the device that [`Gpu::from_wgpu`] was given.
    #[must_use]
    pub fn from_wgpu(raw: &'a mut wgpu::CommandEncoder) -> Self {
        Self { raw }
    }

    /// Records prepared work.
    pub fn steps(&mut self, steps: &Steps) {
        steps.encode(self.raw, None);
    }
}

impl Gpu {
    /// Begins to prepare work.
    #[must_use]
    pub fn prepare(&self, label: &str) -> Preparation<'_> {
        Preparation { gpu: self, label: label.into(), params: vec![], steps: vec![], kept: vec![] }
    }

    /// Writes bytes to a buffer, before whatever is submitted next.
    pub fn write<T: bytemuck::Pod>(&self, buffer: &Buffer<T>, at: u64, bytes: &[u8]) {
        self.shared.queue.write_buffer(&buffer.raw, at, bytes);
    }
}

impl Preparation<'_> {
    /// Sets a part of a buffer to zero; place and length are multiples of 4.
    pub fn clear<T: bytemuck::Pod>(&mut self, buffer: &Buffer<T>, at: u64, bytes: u64) {
        self.steps.push(Planned::Ready(Step::Clear(buffer.raw.clone(), at, bytes)));
    }

    /// Copies bytes between buffers; places and length are multiples of 4.
    pub fn copy<T: bytemuck::Pod, U: bytemuck::Pod>(
        &mut self,
        from: &Buffer<T>,
        from_at: u64,
        to: &Buffer<U>,
        to_at: u64,
        bytes: u64,
    ) {
        self.steps.push(Planned::Ready(Step::Copy(from.raw.clone(), from_at, to.raw.clone(), to_at, bytes)));
    }

    /// Keeps a buffer for as long as the work.
    pub fn keep(&mut self, buffer: Buffer<u8>) {
        self.kept.push(buffer);
    }

    /// Runs `groups` workgroups of a kernel, its bindings given by their WGSL names.
    ///
    /// # Errors
    /// As [`super::Recording::dispatch`].
    pub fn dispatch<P: Params>(
        &mut self,
        kernel: &Arc<Kernel>,
        params: &P,
        windows: &[(&str, Window<'_>)],
        groups: u64,
    ) -> Result<()> {
        if groups == 0 {
            return Ok(());
        }
        let grid = Grid::Groups(self.gpu.grid(kernel, groups)?);
        self.run(kernel, params, windows, grid)
    }

    /// Runs as many workgroups as three words at the beginning of `counts` say when the time comes. Where the
    /// instance of a caller's device has `VALIDATION_INDIRECT_CALL`, wgpu checks them on the device in a pass of its own; without it DX12
    /// kernels see no `num_workgroups`.
    ///
    /// # Errors
    /// As [`super::Recording::dispatch`].
    pub fn dispatch_indirect<P: Params>(
        &mut self,
        kernel: &Arc<Kernel>,
        params: &P,
        windows: &[(&str, Window<'_>)],
        counts: &Buffer<u32>,
    ) -> Result<()> {
        self.run(kernel, params, windows, Grid::Indirect(counts.raw.clone(), 0))
    }

    fn run<P: Params>(&mut self, kernel: &Arc<Kernel>, params: &P, windows: &[(&str, Window<'_>)], grid: Grid) -> Result<()> {
        let windows = kernel.bound(windows)?;
        let params = push_params(&mut self.params, params);
        self.steps.push(Planned::Run(kernel.clone(), windows, params, grid));
        Ok(())
    }

    /// The work, ready to be done.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn finish(self) -> Result<Steps> {
        let uniform = match self.params.len() as u64 {
            0 => None,
            bytes => {
                let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
                let uniform = self.gpu.raw_buffer::<u8>("scratch/params", bytes, usage, false)?;
                self.gpu.write(&uniform, 0, &self.params);
                Some(uniform)
            }
        };
        let steps = self.gpu.guarded(&self.label, 0, |device| {
            let ready = |planned| match planned {
                Planned::Ready(step) => step,
                Planned::Run(kernel, windows, (at, bytes), grid) => {
                    let group = kernel.group(device, &windows, uniform.as_ref().map(|u| (&u.raw, at, bytes)));
                    Step::Run(kernel, group, grid)
                }
            };
            self.steps.into_iter().map(ready).collect()
        })?;
        let kept = self.kept.into_iter().chain(uniform).collect();
        Ok(Steps { shared: Arc::new(Prepared { label: self.label, steps, _kept: kept }) })
    }
}

impl Steps {
    /// Dispatches in it, the indirect ones too.
    #[must_use]
    pub fn dispatches(&self) -> u32 {
        self.shared.steps.iter().filter(|step| matches!(step, Step::Run(..))).count() as u32
    }

    /// Compute passes in it.
    pub(super) fn passes(&self) -> u32 {
        let runs: Vec<bool> = self.shared.steps.iter().map(|step| matches!(step, Step::Run(..))).collect();
        (0..runs.len()).filter(|i| runs[*i] && (*i == 0 || !runs[i - 1])).count() as u32
    }

    /// Records it; the timer's passes are counted from a number on.
    pub(super) fn encode(&self, encoder: &mut wgpu::CommandEncoder, timer: Option<(&Timer, u32)>) {
        let steps = &self.shared.steps;
        let (mut i, mut passes) = (0, 0);
        while i < steps.len() {
            match &steps[i] {
                Step::Clear(buffer, at, bytes) => encoder.clear_buffer(buffer, *at, Some(*bytes)),
                Step::Copy(from, from_at, to, to_at, bytes) => {
                    encoder.copy_buffer_to_buffer(from, *from_at, to, *to_at, Some(*bytes));
                }
                Step::Run(..) => {
                    let timestamp_writes = timer.map(|(timer, first)| timer.pass(first + passes));
                    let descriptor = wgpu::ComputePassDescriptor { label: Some(&self.shared.label), timestamp_writes };
                    let mut pass = encoder.begin_compute_pass(&descriptor);
                    passes += 1;
                    while let Some(Step::Run(kernel, group, grid)) = steps.get(i) {
                        pass.set_pipeline(&kernel.pipeline);
                        pass.set_bind_group(0, group, &[]);
                        match grid {
                            Grid::Groups([x, y]) => pass.dispatch_workgroups(*x, *y, 1),
                            Grid::Indirect(buffer, at) => pass.dispatch_workgroups_indirect(buffer, *at),
                        }
                        i += 1;
                    }
                    continue;
                }
            }
            i += 1;
        }
    }
}

impl Gpu {
    /// A buffer of constants that shaders read as uniforms.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn constants(&self, label: &str, bytes: &[u8]) -> Result<Buffer<u8>> {
        let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
        let buffer = self.raw_buffer(label, bytes.len() as u64, usage, false)?;
        self.write(&buffer, 0, bytes);
        Ok(buffer)
    }

    /// A buffer of words that can also say how many workgroups an indirect dispatch has.
    ///
    /// # Errors
    /// As [`Gpu::buffer`].
    pub fn counts(&self, label: &str, len: u64) -> Result<Buffer<u32>> {
        let usage = wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::INDIRECT | wgpu::BufferUsages::COPY_DST;
        self.raw_buffer(label, len * 4, usage, false)
    }
}
