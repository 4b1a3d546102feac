//! `weighbridge prove`: claims measured on the device in front of the user.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use super::bytes::bytes;
use super::{Common, inputs, print, print_json, prove_html, prove_text};
use crate::error::{Error, Result};
use crate::footprint::Verdict;
use crate::footprint::claims::{Inputs, MyClaim, MyVerdict, check_mine, prove};
use crate::gpu::{Gpu, GpuOptions};

/// Measures the claims of an article on how big a language model is, or your own, on the device in front of you.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Each claim has a verdict: true, false, conditional (with the condition and the counterexample) or unmeasured (with the reason). What
does not fit the device is measured by slope: 1, 2 and 4 layers, whose differences must be the formula's to the byte.

A file of your own claims:

  [[claim]]
  model = \"llama-3-8b\"        # a file, a folder with a config.json, or a built-in name
  format = \"int4:g32\"
  keep = [\"embedding\", \"head\"]
  batch = 1
  context = 8192              # tokens in the cache; 0: weights alone
  claimed_bytes = 7_000_000_000
  tolerance = 0.05            # a share of the claimed bytes

  weighbridge prove
  weighbridge prove --html claims.html
  weighbridge prove my-claims.toml --json

Exit status 1 where a claim of your own does not hold, where bytes were left that no line explains, or where a check of our own failed;
the article's false claims are no finding.")]
pub(super) struct ProveArgs {
    /// Your own claims, in TOML, instead of the article's.
    claims: Option<PathBuf>,
    /// Show the evidence of each claim.
    #[arg(long, short)]
    verbose: bool,
    /// Write one page of HTML with the plots too, which needs no network.
    #[arg(long, value_name = "FILE", conflicts_with = "claims")]
    html: Option<PathBuf>,
    /// Measure as if the device had only so much memory: bytes, or with a unit (24GB, 512MiB).
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory_limit: Option<u64>,
}

pub(super) fn run(common: &Common, args: &ProveArgs) -> Result<ExitCode> {
    let mine = args.claims.as_deref().map(read).transpose()?;
    let mut options = device(common)?;
    options.memory_limit = args.memory_limit;
    let done = match mine {
        Some(claims) => own(common, &options, &claims),
        None => article(common, args, &options),
    };
    done.map_err(needs_a_device)
}

/// The twins are no way out where memory is to be measured; software Vulkan is.
pub(super) fn needs_a_device(error: Error) -> Error {
    match error {
        Error::NoAdapter { looked_for, found, hint } => {
            let hint = hint.split("; `--adapter cpu`").next().unwrap_or_default();
            Error::NoAdapter {
                looked_for,
                found,
                hint: format!("{hint}; memory is measured on a device, software Vulkan will do"),
            }
        }
        other => other,
    }
}

fn article(common: &Common, args: &ProveArgs, options: &GpuOptions) -> Result<ExitCode> {
    // A page that cannot be written is said before the work.
    if let Some(path) = &args.html {
        std::fs::write(path, "").map_err(|source| Error::File { path: path.clone(), source })?;
    }
    let (layer, logits) = (inputs::layer()?, inputs::logits()?);
    let inputs = Inputs { layer: &layer, logits: &logits };
    let proof = with_steps(common, |progress| prove(options, inputs, progress))?;
    if let Some(path) = &args.html {
        let page = prove_html::page(&proof);
        std::fs::write(path, page).map_err(|source| Error::File { path: path.clone(), source })?;
    }
    if common.json {
        print_json(&proof)?;
    } else {
        print(&prove_text::text(&proof, args.verbose));
    }
    Ok(ExitCode::from(u8::from(!proof.is_sound())))
}

/// What `prove` prints of one's own claims.
#[derive(Serialize)]
struct Document<'a> {
    schema: u32,
    adapter: String,
    claims: &'a [MyVerdict],
}

fn own(common: &Common, options: &GpuOptions, claims: &[MyClaim]) -> Result<ExitCode> {
    let verdicts = with_steps(common, |progress| check_mine(options, claims, progress))?;
    let adapter = Gpu::open(options)?.info().name.clone();
    if common.json {
        print_json(&Document { schema: 1, adapter, claims: &verdicts })?;
    } else {
        print(&prove_text::own(&adapter, &verdicts));
    }
    Ok(ExitCode::from(u8::from(verdicts.iter().any(|v| v.verdict != Verdict::True || !v.exact))))
}

/// A file of claims.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    claim: Vec<MyClaim>,
}

fn read(path: &Path) -> Result<Vec<MyClaim>> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::File { path: path.into(), source })?;
    let file: File = toml::from_str(&text).map_err(|error| Error::Unsupported {
        what: path.display().to_string(),
        need: "a table [[claim]] for each claim, with model, format and claimed_bytes (`weighbridge prove --help` shows one)"
            .into(),
        have: error.to_string().trim_end().to_owned(),
    })?;
    Ok(file.claim)
}

/// The device; the twins have no memory that could be measured.
pub(super) fn device(common: &Common) -> Result<GpuOptions> {
    let mut options = GpuOptions::default();
    match common.adapter.as_deref() {
        Some("cpu") => Err(Error::Unsupported {
            what: "measuring memory".into(),
            need: "a device, if only software Vulkan: the CPU twins allocate nothing on one".into(),
            have: "--adapter cpu".into(),
        }),
        Some(name) => {
            options.adapter = name.parse().unwrap_or_default();
            Ok(options)
        }
        None => Ok(options),
    }
}

/// Shows on a terminal what is measured now.
pub(super) fn with_steps<T>(common: &Common, work: impl FnOnce(&mut dyn FnMut(&str, usize, usize)) -> Result<T>) -> Result<T> {
    if common.quiet || !std::io::stderr().is_terminal() {
        return work(&mut |_, _, _| ());
    }
    let style = indicatif::ProgressStyle::with_template("{bar:30} {pos}/{len} {elapsed} {wide_msg}");
    let bar = indicatif::ProgressBar::new(0).with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()));
    bar.enable_steady_tick(std::time::Duration::from_millis(500));
    let result = work(&mut |what, done, total| {
        bar.set_length(total as u64);
        bar.set_position(done as u64);
        bar.set_message(what.to_owned());
    });
    bar.finish_and_clear();
    result
}
