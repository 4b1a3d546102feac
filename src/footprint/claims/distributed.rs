//! Rows 13 to 16: the challenges of distributed training. Nothing here measures them yet, and they say so.

use super::statements::unmeasured;
use super::{Bench, Claim};
use crate::error::Result;

const REASONS: [(u32, &str); 4] = [
    (13, "There are no codecs for gradients yet."),
    (14, "It takes a model of one's own: `weighbridge plan MODEL --prove` predicts the largest batch and runs it."),
    (15, "Nothing here takes work up again after it was killed."),
    (16, "Nothing here moves layers between host and device."),
];

pub(super) fn measure(_: &Bench<'_>) -> Result<Vec<Claim>> {
    Ok(REASONS.iter().map(|(row, reason)| unmeasured(*row, reason)).collect())
}
