//! Witnesses held against ballast: buffers of known size, written by the device, and a line through what each witness then says.

use serde::Serialize;

use super::super::Gpu;
use crate::error::Result;

/// Readings at each step; the median counts.
const READINGS: usize = 5;

/// Bytes of ballast, the median reading, and the spread of readings.
type Point = (f64, u64, u64);

/// A witness and a line through its readings over the ballast: used = intercept + slope x ballast.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// The witness.
    pub witness: &'static str,
    /// Bytes that it sees for a byte of ballast; 1 of a good witness.
    pub slope: f64,
    /// Bytes that it sees without ballast: what the process and its device cost.
    pub intercept: f64,
    /// The largest distance of a reading from the line, in bytes.
    pub worst: f64,
    /// The largest spread of repeated readings, in bytes.
    pub spread: u64,
}

impl Calibration {
    /// The slope is 1 within 0.1 %.
    #[must_use]
    pub fn holds(&self) -> bool {
        (self.slope - 1.0).abs() <= 1e-3
    }
}

/// Allocates `steps` buffers of `step` bytes one after the other, has the device write them, reads every witness five times at each
/// step, and fits a line.
///
/// # Errors
/// As [`Gpu::buffer`] and [`crate::gpu::Recording::run`].
pub fn calibrate(gpu: &Gpu, step: u64, steps: usize) -> Result<Vec<Calibration>> {
    // The first work and the first reading cost memory of their own, once.
    let first = gpu.buffer::<u8>("scratch/ballast", step.min(1 << 20))?;
    let mut recording = gpu.record("ballast");
    recording.clear(&first);
    recording.run()?;
    drop(first);
    (0..READINGS).for_each(|_| drop(gpu.witnesses()));
    gpu.trim();
    gpu.quiesce()?;
    let mut ballast = Vec::new();
    let mut readings: Vec<(&'static str, Vec<Point>)> = Vec::new();
    for held in 0..=steps {
        if held > 0 {
            let buffer = gpu.buffer::<u8>("scratch/ballast", step)?;
            let mut recording = gpu.record("ballast");
            recording.clear(&buffer);
            recording.run()?;
            ballast.push(buffer);
        }
        gpu.quiesce()?;
        let rounds: Vec<Vec<super::Witness>> = (0..READINGS).map(|_| gpu.witnesses()).collect();
        for witness in &rounds[0] {
            let mut values: Vec<u64> = rounds.iter().flatten().filter(|w| w.name == witness.name).map(|w| w.used).collect();
            values.sort_unstable();
            let point = ((held as u64 * step) as f64, values[values.len() / 2], values[values.len() - 1] - values[0]);
            match readings.iter_mut().find(|(name, _)| *name == witness.name) {
                Some((_, points)) => points.push(point),
                None => readings.push((witness.name, vec![point])),
            }
        }
    }
    drop(ballast);
    gpu.quiesce()?;
    Ok(readings.into_iter().map(|(name, points)| fit(name, &points)).collect())
}

/// Least squares.
fn fit(witness: &'static str, points: &[Point]) -> Calibration {
    let n = points.len().max(1) as f64;
    let mean = |of: &dyn Fn(&Point) -> f64| points.iter().map(of).sum::<f64>() / n;
    let (x, y) = (mean(&|p| p.0), mean(&|p| p.1 as f64));
    let covariance = mean(&|p| (p.0 - x) * (p.1 as f64 - y));
    let variance = mean(&|p| (p.0 - x) * (p.0 - x));
    let slope = if variance > 0.0 { covariance / variance } else { 0.0 };
    let intercept = y - slope * x;
    let off = |p: &Point| (p.1 as f64 - intercept - slope * p.0).abs();
    let worst = points.iter().map(off).fold(0.0, f64::max);
    Calibration { witness, slope, intercept, worst, spread: points.iter().map(|p| p.2).max().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_through_readings() {
        let points: Vec<_> = (0..5).map(|i| (f64::from(i) * 64.0, 1000 + 64 * i as u64, 0)).collect();
        let exact = fit("w", &points);
        assert_eq!((exact.slope, exact.intercept, exact.worst, exact.holds()), (1.0, 1000.0, 0.0, true));
        let blind: Vec<_> = points.iter().map(|p| (p.0, 4096, 0)).collect();
        assert!(!fit("w", &blind).holds());
    }
}
