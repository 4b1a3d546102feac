//! The way from a formula to the driver: levels, each led to from the one before by lines that are computed by themselves.
//!
//! formula -> requested (the ledger) -> required (the driver's rounding) -> allocated (alignment) -> reserved (blocks) -> driver (its own count)
//! -> outside (NVML, the kernel, the process's pages).

use std::collections::BTreeMap;

use serde::Serialize;

use super::estimate::WGPU_OWN;
use crate::error::Result;
use crate::gpu::{Gpu, Sight, Witness};

/// What a residual to a witness may be at least: pages, command buffers and the process's own comings and goings.
const TOLERANCE: u64 = 16 << 20;

/// Formula and device, and every byte between.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Account {
    /// From the formula down to the last witness.
    pub levels: Vec<Level>,
    /// The witness that the last level is of.
    pub witness: Option<&'static str>,
    /// What no line explains of the last level, in bytes; 0 where there is no witness.
    pub residual: i64,
    /// What it may be: 16 MiB, or 1 % of the bytes that were written.
    pub tolerance: u64,
    /// Every witness at the end.
    pub witnesses: Vec<Witness>,
    /// Why levels are missing, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<&'static str>,
}

/// A level: bytes, and the lines that lead to them from the level before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Level {
    /// `formula`, `requested`, `required`, `allocated`, `reserved`, `driver` or `outside`.
    pub name: &'static str,
    /// Bytes.
    pub bytes: u64,
    /// What is added and taken away.
    pub lines: Vec<AccountLine>,
}

/// A difference with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountLine {
    /// Its name.
    pub name: String,
    /// Bytes.
    pub bytes: i64,
}

fn line(name: &str, bytes: i64) -> AccountLine {
    AccountLine { name: name.into(), bytes }
}

impl Account {
    /// Whether the residual is within its tolerance.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.residual.unsigned_abs() <= self.tolerance
    }

    /// Whether each level is the one before and its lines.
    #[must_use]
    pub fn adds_up(&self) -> bool {
        let ends =
            |pair: &[Level]| pair[0].bytes as i64 + pair[1].lines.iter().map(|l| l.bytes).sum::<i64>() == pair[1].bytes as i64;
        self.levels.windows(2).all(ends)
    }

    /// The bytes of a line, wherever it stands.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<i64> {
        self.levels.iter().flat_map(|level| &level.lines).find(|l| l.name == name).map(|l| l.bytes)
    }
}

/// What stood on the device before the buffers came that are accounted for.
#[derive(Debug)]
pub struct Observer<'g> {
    gpu: &'g Gpu,
    allocated: u64,
    reserved: u64,
    witnesses: Vec<Witness>,
}

impl<'g> Observer<'g> {
    /// Looks at the device as it is. Staging is filled first, so that it does not come in between.
    ///
    /// # Errors
    /// As [`Gpu::buffer`] and [`crate::gpu::Recording::run`].
    pub fn start(gpu: &'g Gpu) -> Result<Self> {
        const PIECE: usize = 1 << 20;
        let target = gpu.buffer::<u8>("scratch/observer", PIECE as u64)?;
        let piece = vec![0_u8; PIECE];
        let mut recording = gpu.record("the observer's first transfer");
        (0..32).for_each(|_| recording.upload(&target, 0, &piece));
        recording.run()?;
        drop(target);
        gpu.quiesce()?;
        let allocator = gpu.allocator().unwrap_or_default();
        let (allocated, reserved) = (allocator.allocated, allocator.reserved);
        Ok(Self { gpu, allocated, reserved, witnesses: gpu.witnesses() })
    }

    /// The way from what formulas say of each class to what the device holds now. Every buffer must have been written.
    ///
    /// # Errors
    /// [`crate::Error::DeviceLost`].
    pub fn account(&self, said: &[(&str, u64)]) -> Result<Account> {
        let gpu = self.gpu;
        gpu.quiesce()?;
        let formula: u64 = said.iter().map(|(_, bytes)| bytes).sum();
        let mut levels = vec![Level { name: "formula", bytes: formula, lines: vec![] }];
        let requested = gpu.ledger().live_bytes();
        levels.push(Level { name: "requested", bytes: requested, lines: self.classes(said) });
        let mut account = Account {
            levels,
            witness: None,
            residual: 0,
            tolerance: TOLERANCE,
            witnesses: gpu.witnesses(),
            unmeasured: Some("this backend has no allocator report"),
        };
        let (Some(allocator), Some(required)) = (gpu.allocator(), gpu.required_bytes()) else { return Ok(account) };
        account.unmeasured = None;
        let mut to = |name, bytes, lines| account.levels.push(Level { name, bytes, lines });
        let (own, rounding) = self.rounding();
        let other = required as i64 - requested as i64 - own - rounding;
        to(
            "required",
            required,
            named([("wgpu's own buffers", own), ("the driver's rounding", rounding), ("unexplained", other)]),
        );
        to("allocated", allocator.allocated, named([("alignment", allocator.allocated as i64 - required as i64)]));
        let free = allocator.reserved as i64 - allocator.allocated as i64;
        to("reserved", allocator.reserved, named([("free in blocks", free)]));
        account.tolerance = TOLERANCE.max(allocator.allocated / 100);
        account.unmeasured = Some("no witness beyond the allocator is to be believed here");
        if self.gpu.info().is_software() {
            // A block takes memory of the process where it was written.
            self.to_witness(&mut account, "outside", &["process_rss"], [allocator.allocated, self.allocated]);
        } else {
            let driver = ["vulkan_budget", "dxgi", "metal"];
            self.to_witness(&mut account, "driver", &driver, [allocator.reserved, self.reserved]);
            // What is beyond the driver's count is the process's context on the device, as it was before.
            self.to_witness(&mut account, "outside", &["nvml_process", "drm_fdinfo"], [allocator.reserved, self.reserved]);
        }
        Ok(account)
    }

    /// Per class what was asked for beyond what was said.
    fn classes(&self, said: &[(&str, u64)]) -> Vec<AccountLine> {
        let mut classes: BTreeMap<String, i64> =
            self.gpu.ledger().by_class().into_iter().map(|(class, bytes)| (class, bytes as i64)).collect();
        for (class, bytes) in said {
            *classes.entry((*class).to_owned()).or_default() -= *bytes as i64;
        }
        classes.into_iter().filter(|(_, bytes)| *bytes != 0).map(|(class, bytes)| line(&class, bytes)).collect()
    }

    /// What wgpu keeps for itself, and what the driver adds to the buffers on the ledger: asked of the driver, buffer by buffer.
    fn rounding(&self) -> (i64, i64) {
        let mut known: BTreeMap<u64, i64> = BTreeMap::new();
        let mut needs = |bytes: u64| {
            *known.entry(bytes).or_insert_with(|| self.gpu.requirement(bytes, Sight::Device).map_or(0, |n| n.size as i64))
        };
        let own = WGPU_OWN.iter().map(|bytes| needs(*bytes)).sum();
        let lines = self.gpu.ledger().lines();
        (own, lines.iter().map(|l| needs(l.bytes) - l.bytes as i64).sum())
    }

    /// The level of a witness: what it says now, from what it said before and what the allocator holds now and held then.
    fn to_witness(&self, account: &mut Account, level: &'static str, order: &[&str], [held, was]: [u64; 2]) {
        let found = order.iter().find_map(|name| {
            let now = account.witnesses.iter().find(|w| w.name == *name && w.doubts.is_empty())?;
            Some((now.clone(), self.witnesses.iter().find(|w| w.name == *name)?.used))
        });
        let (Some((now, before)), Some(above)) = (found, account.levels.last().map(|level| level.bytes)) else { return };
        let rest = before as i64 - was as i64;
        account.residual = now.used as i64 - held as i64 - rest;
        account.witness = Some(now.name);
        account.unmeasured = None;
        // The level above may count what this one does not: free parts of blocks, or what the driver has beside the buffers.
        let beyond = if self.gpu.info().is_software() { "free and never written" } else { "counted above only" };
        let lines = named([
            (beyond, held as i64 - above as i64),
            ("before the device's buffers", rest),
            ("residual", account.residual),
        ]);
        account.levels.push(Level { name: level, bytes: now.used, lines });
    }
}

fn named<const N: usize>(lines: [(&str, i64); N]) -> Vec<AccountLine> {
    lines
        .into_iter()
        .filter(|(name, bytes)| *bytes != 0 || *name == "residual")
        .map(|(name, bytes)| line(name, bytes))
        .collect()
}
