//! Claims of one's own: so many bytes for a model in a format, with a batch and a context.

use serde::{Deserialize, Serialize};

use super::Verdict;
use super::slope::whole;
use crate::error::{Error, Result};
use crate::footprint::Class;
use crate::footprint::estimate::{MOST_TOKENS, Storing, kv_cache};
use crate::footprint::shape::{Layer, Shape, open};
use crate::format::Format;
use crate::gpu::{Gpu, GpuOptions};
use crate::tensor::Tensor;

/// What somebody says that a model takes.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MyClaim {
    /// What it is called; the model and the format where it is not said.
    #[serde(default)]
    pub name: String,
    /// A file, a folder with a config, or a built-in name.
    pub model: String,
    /// The format of matrices.
    pub format: String,
    /// Classes that stay in BF16.
    #[serde(default)]
    pub keep: Vec<String>,
    /// Sequences.
    #[serde(default = "one")]
    pub batch: u64,
    /// Tokens of each; 0: no cache.
    #[serde(default)]
    pub context: u64,
    /// The format of the cache.
    #[serde(default = "bf16")]
    pub cache: String,
    /// The bytes claimed, of weights and cache.
    pub claimed_bytes: u64,
    /// How far the measurement may be from that, as a share of it.
    #[serde(default)]
    pub tolerance: f64,
}

fn one() -> u64 {
    1
}

fn bf16() -> String {
    "bf16".into()
}

/// What became of such a claim.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct MyVerdict {
    /// The claim.
    pub claim: MyClaim,
    /// Whether it holds.
    pub verdict: Verdict,
    /// Bytes measured: weights and cache.
    pub measured: u64,
    /// Of which weights.
    pub weights: u64,
    /// Of which the cache.
    pub kv_cache: u64,
    /// Whether what was placed is the formula's to the byte.
    pub exact: bool,
    /// (measured - claimed) / claimed.
    pub off: f64,
}

/// Measures claims of one's own on a device.
///
/// # Errors
/// Where a model, a format or a class is not known, no device is found, or one tensor is more than may be placed.
pub fn check_mine(
    options: &GpuOptions,
    claims: &[MyClaim],
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Vec<MyVerdict>> {
    let options = super::opening(options);
    let gpu = Gpu::open(&options)?;
    let budget = super::budget(&gpu, &options);
    if claims.is_empty() {
        return Err(Error::Unsupported { what: "proving".into(), need: "a claim at least".into(), have: "none".into() });
    }
    let mut verdicts = Vec::new();
    for (i, claim) in claims.iter().enumerate() {
        progress(&claim.model, i, claims.len());
        verdicts.push(check(&gpu, claim, budget)?);
    }
    Ok(verdicts)
}

fn check(gpu: &Gpu, claim: &MyClaim, budget: u64) -> Result<MyVerdict> {
    let sound = claim.tolerance >= 0.0 && claim.tolerance < 1.0 && claim.claimed_bytes > 0;
    if !sound || claim.batch == 0 || claim.batch.saturating_mul(claim.context) > MOST_TOKENS {
        return Err(Error::Unsupported {
            what: format!("the claim about {}", claim.model),
            need: format!(
                "claimed_bytes above 0, a tolerance from 0 to less than 1, a batch of at least 1, and batch times context at most {MOST_TOKENS}"
            ),
            have: format!("{} bytes, {}, {} x {}", claim.claimed_bytes, claim.tolerance, claim.batch, claim.context),
        });
    }
    let shape = open(&claim.model)?;
    let keep = claim.keep.iter().map(|name| name.parse()).collect::<Result<Vec<Class>>>()?;
    let storing = Storing::all(claim.format.parse()?).keeping(&keep);
    let (weights, exact) = whole(gpu, &shape, &storing, budget)?;
    let (kv_cache, cache_exact) = cache(gpu, &shape, claim, budget)?;
    let measured = weights + kv_cache;
    let off = (measured as f64 - claim.claimed_bytes as f64) / claim.claimed_bytes as f64;
    let verdict = if off.abs() <= claim.tolerance { Verdict::True } else { Verdict::False };
    Ok(MyVerdict { claim: claim.clone(), verdict, measured, weights, kv_cache, exact: exact && cache_exact, off })
}

/// The cache, a layer after the other; a layer's rows from two measurements where they are more than the budget.
fn cache(gpu: &Gpu, shape: &Shape, claim: &MyClaim, budget: u64) -> Result<(u64, bool)> {
    if claim.context == 0 {
        return Ok((0, true));
    }
    let format: Format = claim.cache.parse()?;
    let place = |layer: &Layer, rows: u64| -> Result<u64> {
        let row_len = layer.cached.next_multiple_of(format.group_len());
        let held = Tensor::coded(gpu, "kv_cache/layer", &[rows, row_len], format, row_len)?;
        Ok(held.planes.iter().map(|plane| plane.bytes).sum())
    };
    let mut total = 0;
    for layer in shape.layers.iter().filter(|layer| layer.cached > 0) {
        let rows = claim.batch * layer.remembered(claim.context);
        total += if rows.saturating_mul(4 * layer.cached) <= budget {
            place(layer, rows)?
        } else {
            // Rows are alike: eight of them, and eight more.
            let eight = place(layer, 8)?;
            eight + (place(layer, 16)? - eight) / 8 * (rows - 8)
        };
    }
    gpu.quiesce()?;
    Ok((total, total == kv_cache(shape, claim.batch, claim.context, &format)))
}
