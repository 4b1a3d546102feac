//! The way from a formula to the driver: levels, each led to from the one before by lines that are computed by themselves.
//!
//! formula -> requested (the ledger) -> required (the driver's rounding) -> allocated (alignment) -> reserved (blocks) -> driver (its own count)
//! -> outside (NVML, the kernel, the process's pages).

use std::collections::BTreeMap;

use serde::Serialize;

use super::estimate::{Allocator, Policy, WGPU_OWN};
use crate::error::Result;
use crate::gpu::{Calibration, Gpu, MemoryHint, Requirement, Sight, Witness};

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
    /// What no line explains, in bytes: the largest of the levels' residuals. 0 where there is no witness.
    pub residual: i64,
    /// What it may be: 16 MiB, or 1 % of the bytes that were written.
    pub tolerance: u64,
    /// Every witness at the end.
    pub witnesses: Vec<Witness>,
    /// Why levels are missing, if they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unmeasured: Option<String>,
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
    /// Nothing is known, for a reason.
    pub(super) fn unmeasured(reason: String) -> Self {
        let (levels, witnesses) = (vec![], vec![]);
        Self { levels, witness: None, residual: 0, tolerance: TOLERANCE, witnesses, unmeasured: Some(reason) }
    }

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
    calibrations: Vec<Calibration>,
}

impl<'g> Observer<'g> {
    /// Looks at the device as it is. Staging is filled first, so that it does not come in between. A witness whose calibration does not hold is
    /// doubted.
    ///
    /// # Errors
    /// As [`Gpu::buffer`] and [`crate::gpu::Recording::run`].
    pub fn start(gpu: &'g Gpu, calibrations: &[Calibration]) -> Result<Self> {
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
        Ok(Self { gpu, allocated, reserved, witnesses: gpu.witnesses(), calibrations: calibrations.to_vec() })
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
            witnesses: self.witnesses(),
            unmeasured: Some("this backend has no allocator report".into()),
        };
        let (Some(allocator), Some(required)) = (gpu.allocator(), gpu.required_bytes()) else { return Ok(account) };
        account.unmeasured = None;
        let mut to = |name, bytes, lines| account.levels.push(Level { name, bytes, lines });
        let lines = match self.predicted() {
            // What the driver requires and the allocator does, by itself: asked of the one, simulated for the other.
            Some(p) => {
                to(
                    "required",
                    required,
                    named([
                        ("wgpu's own buffers", p.own),
                        ("the driver's rounding", p.rounding),
                        ("unexplained", required as i64 - requested as i64 - p.own - p.rounding),
                    ]),
                );
                let (alignment, free) = (p.allocated - (requested as i64 + p.own + p.rounding), p.reserved - p.allocated);
                let given = allocator.allocated as i64 - required as i64;
                to("allocated", allocator.allocated, named([("alignment", alignment), ("unexplained", given - alignment)]));
                [
                    ("free in blocks", free),
                    ("blocks from before", allocator.reserved as i64 - allocator.allocated as i64 - free),
                ]
            }
            // DX12 is not asked buffer by buffer.
            None => {
                to("required", required, named([("wgpu's own buffers and rounding", required as i64 - requested as i64)]));
                to("allocated", allocator.allocated, named([("alignment", allocator.allocated as i64 - required as i64)]));
                [("free in blocks", allocator.reserved as i64 - allocator.allocated as i64), ("blocks from before", 0)]
            }
        };
        to("reserved", allocator.reserved, named(lines));
        account.tolerance = TOLERANCE.max(allocator.allocated / 100);
        account.unmeasured = Some("no witness beyond the allocator is to be believed here".into());
        if self.gpu.info().is_software() {
            // A block takes memory of the process where it was written.
            self.to_witness(&mut account, "outside", &["process_anon", "process_rss"], [allocator.allocated, self.allocated]);
        } else {
            let driver = ["vulkan_budget", "dxgi", "metal"];
            self.to_witness(&mut account, "driver", &driver, [allocator.reserved, self.reserved]);
            // What is beyond the driver's count is the process's context on the device, as it was before.
            self.to_witness(&mut account, "outside", &["nvml_process", "drm_fdinfo"], [allocator.reserved, self.reserved]);
        }
        Ok(account)
    }

    /// The witnesses, doubted where they did not see the ballast.
    fn witnesses(&self) -> Vec<Witness> {
        let mut all = self.gpu.witnesses();
        for witness in &mut all {
            let failed = self.calibrations.iter().find(|c| c.witness == witness.name && !c.holds());
            witness.doubts.extend(failed.map(|c| format!("it sees {:.4} bytes for a byte of ballast", c.slope)));
        }
        all
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

    /// What the driver requires of wgpu's own buffers and of each on the ledger, and what the allocator would make of them in the order in which
    /// they came; nothing was freed in between but what the observer itself needed.
    fn predicted(&self) -> Option<Predicted> {
        let gpu = self.gpu;
        let policy = match gpu.memory_hint()? {
            MemoryHint::Performance => Policy::PERFORMANCE,
            MemoryHint::MemoryUsage => Policy::MEMORY_USAGE,
        };
        let mut allocator = Allocator::new(policy, &gpu.memory_types()?);
        let mut known: BTreeMap<(u64, &str), Requirement> = BTreeMap::new();
        let mut add = |bytes: u64, label: &str| -> Option<i64> {
            let (key, sight) = match label {
                "staging/upload" => ("upload", Sight::Upload),
                "staging/download" => ("download", Sight::Download),
                _ => ("device", Sight::Device),
            };
            let needs = match known.get(&(bytes, key)) {
                Some(needs) => *needs,
                None => *known.entry((bytes, key)).or_insert(gpu.requirement(bytes, sight)?),
            };
            allocator.allocate(needs.memory_type, needs.size, needs.alignment);
            Some(needs.size as i64)
        };
        let own = WGPU_OWN.iter().map(|bytes| add(*bytes, "")).sum::<Option<i64>>()?;
        let lines = gpu.ledger().lines();
        let rounding = lines.iter().map(|l| Some(add(l.bytes, &l.label)? - l.bytes as i64)).sum::<Option<i64>>()?;
        let (allocated, reserved) = (allocator.allocated() as i64, allocator.reserved() as i64);
        Some(Predicted { own, rounding, allocated, reserved })
    }

    /// The level of a witness: what it says now, from what it said before and what the allocator holds now and held then.
    fn to_witness(&self, account: &mut Account, level: &'static str, order: &[&str], [held, was]: [u64; 2]) {
        let found = order.iter().find_map(|name| {
            let now = account.witnesses.iter().find(|w| w.name == *name && w.doubts.is_empty())?;
            Some((now.clone(), self.witnesses.iter().find(|w| w.name == *name)?.used))
        });
        let (Some((now, before)), Some(above)) = (found, account.levels.last().map(|level| level.bytes)) else { return };
        let rest = before as i64 - was as i64;
        let residual = now.used as i64 - held as i64 - rest;
        if account.witness.is_none() || residual.abs() > account.residual.abs() {
            account.residual = residual;
        }
        account.witness = Some(now.name);
        account.unmeasured = None;
        // The level above may count what this one does not: free parts of blocks, or what the driver has beside the buffers.
        let beyond = if self.gpu.info().is_software() { "free and never written" } else { "counted above only" };
        let lines =
            named([(beyond, held as i64 - above as i64), ("before the device's buffers", rest), ("residual", residual)]);
        account.levels.push(Level { name: level, bytes: now.used, lines });
    }
}

/// What the device should hold, in bytes.
struct Predicted {
    own: i64,
    rounding: i64,
    allocated: i64,
    reserved: i64,
}

fn named<const N: usize>(lines: [(&str, i64); N]) -> Vec<AccountLine> {
    lines
        .into_iter()
        .filter(|(name, bytes)| *bytes != 0 || *name == "residual")
        .map(|(name, bytes)| line(name, bytes))
        .collect()
}
