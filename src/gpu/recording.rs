//! Uploads, dispatches and downloads, collected and then done in one submit.

use std::sync::Arc;

use super::Gpu;
use super::buffer::{Buffer, Window};
use super::kernel::{BoundWindow, Kernel, push_params};
use super::params::Params;
use super::staging::Way;
use super::steps::Steps;
use super::timing::Timer;
use crate::error::Result;

/// Work in the order in which it was asked for. Nothing happens before [`Recording::run`]. One submit does it all, unless the
/// uploads need more staging than 32 MiB: then each 32 MiB of them end a submit.
#[derive(Debug)]
pub struct Recording<'a> {
    gpu: &'a Gpu,
    label: String,
    commands: Vec<Command<'a>>,
    params: Vec<u8>,
    downloads: Vec<(wgpu::Buffer, u64, u64)>,
    timed: bool,
}

#[derive(Debug)]
enum Command<'a> {
    Upload { to: wgpu::Buffer, at: u64, bytes: &'a [u8] },
    Clear { buffer: wgpu::Buffer, at: u64, bytes: u64 },
    Copy { from: wgpu::Buffer, from_at: u64, to: wgpu::Buffer, to_at: u64, bytes: u64 },
    Dispatch { kernel: Arc<Kernel>, windows: Vec<BoundWindow>, params: (u64, u64), groups: [u32; 2] },
    Steps(Steps),
}

impl Command<'_> {
    /// Compute passes at most.
    fn passes(&self) -> u32 {
        match self {
            Self::Dispatch { .. } => 1,
            Self::Steps(steps) => steps.passes(),
            _ => 0,
        }
    }
}

/// The ticket of a download: its number in [`Completed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Download(usize);

/// What a recording brought back.
#[derive(Debug)]
pub struct Completed {
    downloads: Vec<Vec<u8>>,
    /// Nanoseconds that the dispatches took on the device; `None` unless asked for and offered.
    pub nanoseconds: Option<f64>,
}

impl Completed {
    /// The bytes of a download; empty the second time.
    pub fn take(&mut self, download: Download) -> Vec<u8> {
        std::mem::take(&mut self.downloads[download.0])
    }

    /// The words of a download.
    pub fn take_words(&mut self, download: Download) -> Vec<u32> {
        self.take(download).chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
    }
}

impl Gpu {
    /// Begins a recording; `label` names it in errors.
    #[must_use]
    pub fn record(&self, label: &str) -> Recording<'_> {
        Recording { gpu: self, label: label.into(), commands: vec![], params: vec![], downloads: vec![], timed: false }
    }
}

impl<'a> Recording<'a> {
    /// Asks for the time of the dispatches on the device, where it has timestamps.
    pub fn timed(&mut self) {
        self.timed = true;
    }

    /// Writes `bytes` to the buffer at byte `at`, a multiple of 4; the last word is filled up with zeros.
    pub fn upload<T: bytemuck::Pod>(&mut self, buffer: &Buffer<T>, at: u64, bytes: &'a [u8]) {
        if !bytes.is_empty() {
            self.commands.push(Command::Upload { to: buffer.raw.clone(), at, bytes });
        }
    }

    /// Sets a buffer to zero.
    pub fn clear<T: bytemuck::Pod>(&mut self, buffer: &Buffer<T>) {
        self.commands.push(Command::Clear { buffer: buffer.raw.clone(), at: 0, bytes: buffer.bytes() });
    }

    /// Copies bytes between buffers; positions and length are multiples of 4.
    pub fn copy<T: bytemuck::Pod, U: bytemuck::Pod>(
        &mut self,
        from: &Buffer<T>,
        from_at: u64,
        to: &Buffer<U>,
        to_at: u64,
        bytes: u64,
    ) {
        let (from, to) = (from.raw.clone(), to.raw.clone());
        self.commands.push(Command::Copy { from, from_at, to, to_at, bytes });
    }

    /// Brings `bytes` bytes at byte `at` (a multiple of 4) back to the host.
    pub fn download<T: bytemuck::Pod>(&mut self, buffer: &Buffer<T>, at: u64, bytes: u64) -> Download {
        self.downloads.push((buffer.raw.clone(), at, bytes));
        Download(self.downloads.len() - 1)
    }

    /// Runs `kernel` over `invocations`, its bindings given by their WGSL names.
    ///
    /// # Errors
    /// [`crate::Error::Shader`] where a binding is missing or unknown; [`crate::Error::TooLarge`] where the grid is beyond every limit.
    pub fn dispatch<P: Params>(
        &mut self,
        kernel: &Arc<Kernel>,
        params: &P,
        windows: &[(&str, Window<'_>)],
        invocations: u64,
    ) -> Result<()> {
        if invocations == 0 {
            return Ok(());
        }
        let groups = self.gpu.grid(kernel, invocations.div_ceil(kernel.workgroup().into()))?;
        let windows = kernel.bound(windows)?;
        let params = push_params(&mut self.params, params);
        self.commands.push(Command::Dispatch { kernel: kernel.clone(), windows, params, groups });
        Ok(())
    }

    /// Does prepared work once more.
    pub fn steps(&mut self, steps: &Steps) {
        self.commands.push(Command::Steps(steps.clone()));
    }

    /// Does the work and waits for it.
    ///
    /// # Errors
    /// [`crate::Error::OutOfMemory`], [`crate::Error::DeviceLost`], [`crate::Error::Device`]: whatever the device says against it.
    pub fn run(self) -> Result<Completed> {
        let gpu = self.gpu;
        let mut flight = Flight::start(gpu, &self)?;
        let uniform = match self.params.len() as u64 {
            0 => None,
            bytes => {
                let usage = wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST;
                Some(gpu.raw_buffer::<u8>("scratch/params", bytes, usage, false)?)
            }
        };
        let timer = match self.timed {
            true => Timer::new(gpu, self.commands.iter().map(Command::passes).sum())?,
            false => None,
        };
        gpu.guarded(&self.label, 0, |device| -> Result<()> {
            if let Some(uniform) = &uniform {
                flight.upload(&uniform.raw, 0, &self.params)?;
            }
            let mut i = 0;
            let mut passes = 0;
            while i < self.commands.len() {
                match &self.commands[i] {
                    Command::Upload { to, at, bytes } => flight.upload(to, *at, bytes)?,
                    Command::Clear { buffer, at, bytes } => flight.encoder.clear_buffer(buffer, *at, Some(*bytes)),
                    Command::Copy { from, from_at, to, to_at, bytes } => {
                        flight.encoder.copy_buffer_to_buffer(from, *from_at, to, *to_at, Some(*bytes));
                    }
                    Command::Steps(steps) => {
                        steps.encode(&mut flight.encoder, timer.as_ref().map(|timer| (timer, passes)));
                        passes += steps.passes();
                    }
                    Command::Dispatch { .. } => {
                        let timestamp_writes = timer.as_ref().map(|t| t.pass(passes));
                        let descriptor = wgpu::ComputePassDescriptor { label: Some(&self.label), timestamp_writes };
                        let mut pass = flight.encoder.begin_compute_pass(&descriptor);
                        passes += 1;
                        while let Some(Command::Dispatch { kernel, windows, params, groups }) = self.commands.get(i) {
                            let uniform = uniform.as_ref().map(|u| (&u.raw, params.0, params.1));
                            let group = kernel.group(device, windows, uniform);
                            pass.set_pipeline(&kernel.pipeline);
                            pass.set_bind_group(0, &group, &[]);
                            pass.dispatch_workgroups(groups[0], groups[1], 1);
                            i += 1;
                        }
                        continue;
                    }
                }
                i += 1;
            }
            if let Some(timer) = &timer {
                timer.resolve(&mut flight.encoder);
            }
            Ok(())
        })??;
        let mut requests = self.downloads;
        let timer_bytes = timer.as_ref().map(Timer::bytes);
        requests.extend(timer_bytes.map(|(raw, bytes)| (raw.clone(), 0, bytes)));
        let mut downloads = flight.finish(&self.label, &requests)?;
        let nanoseconds = timer.map(|timer| timer.nanoseconds(&downloads.pop().unwrap_or_default()));
        Ok(Completed { downloads, nanoseconds })
    }
}

/// A submit being put together, and the staging that it uses.
struct Flight<'a> {
    gpu: &'a Gpu,
    encoder: wgpu::CommandEncoder,
    up: Option<Buffer<u8>>,
    used: u64,
}

impl<'a> Flight<'a> {
    fn start(gpu: &'a Gpu, recording: &Recording<'_>) -> Result<Self> {
        let uploads: u64 = recording
            .commands
            .iter()
            .map(|c| {
                if let Command::Upload { bytes, .. } = c {
                    (bytes.len() as u64).next_multiple_of(wgpu::MAP_ALIGNMENT)
                } else {
                    0
                }
            })
            .sum::<u64>()
            + recording.params.len() as u64;
        let up = if uploads > 0 { Some(gpu.take_staging(Way::Up, uploads.min(gpu.staging_limit()))?) } else { None };
        Ok(Self { encoder: new_encoder(gpu), gpu, up, used: 0 })
    }

    fn upload(&mut self, to: &wgpu::Buffer, mut at: u64, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let Some(up) = &self.up else { break };
            let room = up.bytes().saturating_sub(self.used);
            if room < 4 {
                self.submit()?;
                continue;
            }
            let take = (bytes.len() as u64).min(room);
            let padded = take.next_multiple_of(4).min(room);
            let (now, later) = bytes.split_at(take as usize);
            let mut view = (up.raw.get_mapped_range_mut(self.used..self.used + padded))
                .map_err(|e| self.gpu.lost_or_rejected("staging/upload", &e))?;
            view.slice(..now.len()).copy_from_slice(now);
            if padded > take {
                view.slice(now.len()..).copy_from_slice(&[0; 4][..(padded - take) as usize]);
            }
            drop(view);
            self.encoder.copy_buffer_to_buffer(&up.raw, self.used, to, at, Some(padded));
            self.used += padded.next_multiple_of(wgpu::MAP_ALIGNMENT);
            at += take;
            bytes = later;
        }
        Ok(())
    }

    /// Sends what is encoded, and waits for the staging to be free again.
    fn submit(&mut self) -> Result<()> {
        let encoder = std::mem::replace(&mut self.encoder, new_encoder(self.gpu));
        if let Some(up) = &self.up {
            up.raw.unmap();
        }
        self.gpu.shared.queue.submit([encoder.finish()]);
        self.used = 0;
        match &self.up {
            Some(up) => self.gpu.map(up, wgpu::MapMode::Write, up.bytes()),
            None => self.gpu.wait(),
        }
    }

    fn finish(mut self, label: &str, requests: &[(wgpu::Buffer, u64, u64)]) -> Result<Vec<Vec<u8>>> {
        let gpu = self.gpu;
        let total: u64 = requests.iter().map(|(_, _, bytes)| bytes.next_multiple_of(wgpu::MAP_ALIGNMENT)).sum();
        let down = if total > 0 { Some(gpu.take_staging(Way::Down, total.min(gpu.staging_limit()))?) } else { None };
        // Pieces of downloads, in order, batched by what the staging holds; the first batch rides in the submit of the work.
        let mut results: Vec<Vec<u8>> = requests.iter().map(|(_, _, bytes)| Vec::with_capacity(*bytes as usize)).collect();
        let mut pieces = Vec::new();
        let mut used = 0;
        for (i, (raw, at, bytes)) in requests.iter().enumerate() {
            let mut done = 0;
            while let (Some(down), true) = (&down, done < *bytes) {
                let room = down.bytes().saturating_sub(used);
                if room < 4 {
                    self.bring(label, down, &pieces, used, &mut results)?;
                    pieces.clear();
                    used = 0;
                    continue;
                }
                let take = (bytes - done).min(room);
                pieces.push((i, raw, at + done, used, take));
                used += take.next_multiple_of(wgpu::MAP_ALIGNMENT);
                done += take;
            }
        }
        match &down {
            Some(down) => self.bring(label, down, &pieces, used, &mut results)?,
            None => gpu.guarded(label, 0, |_| self.submit())??,
        }
        if let Some(down) = down {
            gpu.put_staging(Way::Down, down);
        }
        if let Some(up) = self.up {
            gpu.put_staging(Way::Up, up);
        }
        Ok(results)
    }

    fn bring(
        &mut self,
        label: &str,
        down: &Buffer<u8>,
        pieces: &[(usize, &wgpu::Buffer, u64, u64, u64)],
        used: u64,
        results: &mut [Vec<u8>],
    ) -> Result<()> {
        let gpu = self.gpu;
        gpu.guarded(label, 0, |_| {
            for (_, raw, at, to, bytes) in pieces {
                self.encoder.copy_buffer_to_buffer(raw, *at, &down.raw, *to, Some(bytes.next_multiple_of(4)));
            }
            self.submit()
        })??;
        gpu.map(down, wgpu::MapMode::Read, used.min(down.bytes()))?;
        for (i, _, _, at, bytes) in pieces {
            let view = (down.raw.get_mapped_range(*at..at + bytes.next_multiple_of(4)))
                .map_err(|e| gpu.lost_or_rejected("staging/download", &e))?;
            results[*i].extend_from_slice(&view[..*bytes as usize]);
        }
        down.raw.unmap();
        Ok(())
    }
}

fn new_encoder(gpu: &Gpu) -> wgpu::CommandEncoder {
    gpu.shared.device.create_command_encoder(&wgpu::CommandEncoderDescriptor { label: Some("weighbridge") })
}
