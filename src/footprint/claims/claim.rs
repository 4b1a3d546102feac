//! What a claim is, and what became of it.

use serde::Serialize;
use serde_json::Value;

use crate::footprint::Account;
use crate::gpu::Calibration;

/// What a measurement says of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It holds as it stands.
    True,
    /// It does not.
    False,
    /// It holds under conditions that it does not name.
    Conditional,
    /// Nothing here measures it.
    Unmeasured,
}

impl Verdict {
    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::False => "false",
            Self::Conditional => "conditional",
            Self::Unmeasured => "unmeasured",
        }
    }
}

/// A claim with its verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Claim {
    /// Its name.
    pub id: &'static str,
    /// Its row in the list of the article's claims.
    pub row: u32,
    /// The claim, in our words.
    pub statement: &'static str,
    /// How it is to be read so that it can be measured.
    pub reading: &'static str,
    /// How it is measured here.
    pub method: &'static str,
    /// What the measurement says.
    pub verdict: Verdict,
    /// What the claim expects, in `unit`.
    pub expected: Option<f64>,
    /// What was measured, in `unit`.
    pub measured: Option<f64>,
    /// The unit of both.
    pub unit: &'static str,
    /// Whether what we know of the measurement held: slopes to the byte, kernels beside their twins. If not, the verdict is withheld.
    pub sound: bool,
    /// The condition and the counterexample, or why it is not measured.
    pub condition: String,
    /// The measurements.
    pub evidence: Value,
}

/// Every claim, measured on one device.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Proof {
    /// The version of this form: 1.
    pub schema: u32,
    /// The device.
    pub adapter: String,
    /// Its driver.
    pub driver: String,
    /// Whether the host's processor does its work.
    pub software: bool,
    /// What the driver's allocator was told.
    pub memory_hints: &'static str,
    /// The claims by row.
    pub claims: Vec<Claim>,
    /// The way from a formula to the driver, for the state of an AdamW step.
    pub account: Account,
    /// The witnesses, held against ballast.
    pub calibrations: Vec<Calibration>,
    /// Bytes on the ledger when all measurements had been made, those that found no memory too: 0.
    pub left: u64,
}

impl Proof {
    /// Whether every check of our own held, and the account is whole: no verdict hangs on a fault of ours.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.claims.iter().all(|claim| claim.sound) && self.left == 0 && self.account.holds() && self.account.adds_up()
    }

    /// A claim by its name.
    #[must_use]
    pub fn claim(&self, id: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.id == id)
    }
}
