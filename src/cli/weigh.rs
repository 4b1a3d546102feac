//! `weighbridge weigh`: formula beside measurement.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::bytes::bytes;
use super::{Common, device, html, plans, print, print_json, weigh_text, with_progress};
use crate::error::{Error, Result};
use crate::footprint::{Class, Report, Rule, WeighOptions, WeighTail, plan, weigh};
use crate::format::{Format, NonFinite};
use crate::gpu::GpuOptions;
use crate::io::Model;

#[derive(clap::Args, Debug)]
pub(super) struct WeighArgs {
    /// A `.safetensors` or `.gguf` file (any part of a split one), a `.safetensors.index.json`, or a folder with one of them.
    model: PathBuf,
    /// The precisions, separated by commas: f32, f16, bf16; int8 (a scale a row), int8:tensor, int8:g32 ..; int4 (= int4:g128), int4:g64,
    /// int4:g32, each also with :asym; int8 and int4 also with :f16 at the end, for F16 scales; q8_0, q5_1, q5_0, q4_1, q4_0.
    #[arg(long = "as", value_name = "LIST", value_delimiter = ',', default_value = "bf16,int8,int4")]
    formats: Vec<String>,
    /// Classes that keep their type, separated by commas: attention, mlp, weight, embedding, head, other.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    keep: Vec<String>,
    /// A format for the tensors whose names hold PART (`*` stands for any text), or `keep`: attn_v=q8_0. May be given often; the first
    /// that fits decides, over --as and --keep.
    #[arg(long = "rule", value_name = "PART=FORMAT")]
    rules: Vec<String>,
    /// Write the report as one page of HTML too, which needs no network.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Show what would be done with each tensor, and stop.
    #[arg(long)]
    dry_run: bool,
    /// What is done with NaN and infinities.
    #[arg(long, value_enum, default_value = "reject")]
    non_finite: NonFiniteArg,
    /// What is done with tensors whose rows do not fill the format's groups.
    #[arg(long, value_enum, default_value = "keep")]
    tail: TailArg,
    /// Weigh as if the device had only so much memory: bytes, or with a unit (24GB, 512MiB).
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    memory_limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum NonFiniteArg {
    /// An error that names tensor, index and value.
    Reject,
    /// NaN becomes 0, infinities the largest finite value.
    Saturate,
    /// They are kept, where the format has codes for them.
    Keep,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TailArg {
    /// An error.
    Error,
    /// The tensor stays as it is, on a line of the report.
    Keep,
    /// Rows are filled up with zeros.
    Pad,
}

pub(super) fn run(common: &Common, args: &WeighArgs) -> Result<ExitCode> {
    let formats = args.formats.iter().map(|name| name.trim().parse()).collect::<Result<Vec<Format>>>()?;
    let mut options = WeighOptions::default();
    options.keep = args.keep.iter().map(|name| name.trim().parse()).collect::<Result<Vec<Class>>>()?;
    options.rules = args.rules.iter().map(|rule| rule.parse()).collect::<Result<Vec<Rule>>>()?;
    options.non_finite = match args.non_finite {
        NonFiniteArg::Reject => NonFinite::Reject,
        NonFiniteArg::Saturate => NonFinite::Saturate,
        NonFiniteArg::Keep => NonFinite::Keep,
    };
    options.tail = match args.tail {
        TailArg::Error => WeighTail::Error,
        TailArg::Keep => WeighTail::Keep,
        TailArg::Pad => WeighTail::Pad,
    };
    let model = Model::open(&args.model)?;
    if model.tensors.is_empty() {
        return Err(Error::Unsupported {
            what: "weighing".into(),
            need: "a model with tensors".into(),
            have: format!("{} has none", args.model.display()),
        });
    }
    let plans = formats.iter().map(|format| plan(&model, format, &options)).collect::<Result<Vec<_>>>()?;
    if args.dry_run {
        return plans::print_all(common, &formats, &plans).map(|()| ExitCode::SUCCESS);
    }
    if !common.quiet && !common.json {
        eprint!("{}", plans::summary(&formats, &plans));
    }
    let mut gpu = GpuOptions::default();
    gpu.memory_limit = args.memory_limit;
    let device = device(common, gpu)?;
    let report = with_progress(common, |progress| weigh(&model, &formats, &device, &options, progress))?;
    if let Some(path) = &args.html {
        let page = html::page(&args.model.display().to_string(), &report);
        std::fs::write(path, page).map_err(|source| Error::File { path: path.clone(), source })?;
    }
    if common.json {
        print_json(&report)?;
    } else {
        print(&weigh_text::text(&report));
    }
    Ok(exit(&report))
}

/// 1 where bytes were left that no line names.
pub(super) fn exit(report: &Report) -> ExitCode {
    let found = report.precisions.iter().any(|p| p.line("residual") != Some(0));
    ExitCode::from(u8::from(found))
}
