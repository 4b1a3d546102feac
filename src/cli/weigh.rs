//! `weighbridge weigh`: formula beside measurement.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::table::table;
use super::{Common, device, plans, print, print_json, with_progress};
use crate::error::{Error, Result};
use crate::footprint::{Class, Precision, Report, Rule, WeighOptions, WeighTail, plan, weigh};
use crate::format::{Format, NonFinite};
use crate::gpu::GpuOptions;
use crate::io::Model;
use crate::units::{decimal, grouped};

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

/// Bytes with an optional decimal or binary unit.
fn bytes(text: &str) -> std::result::Result<u64, String> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let units = [
        ("", 1),
        ("B", 1),
        ("kB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("KiB", 1 << 10),
        ("MiB", 1 << 20),
        ("GiB", 1 << 30),
    ];
    let factor = units.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim())).map(|(_, factor)| *factor);
    match (number.parse::<f64>(), factor) {
        (Ok(number), Some(factor)) => Ok((number * f64::from(factor)) as u64),
        _ => Err("expected bytes such as 1000000, 24GB or 512MiB".into()),
    }
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
    if common.json {
        print_json(&report)?;
    } else {
        print(&text(&report));
    }
    Ok(exit(&report))
}

/// 1 where bytes were left that no line names.
pub(super) fn exit(report: &Report) -> ExitCode {
    let found = report.precisions.iter().any(|p| p.line("residual") != Some(0));
    ExitCode::from(u8::from(found))
}

/// The device, in a line.
pub(super) fn device_line(report: &Report) -> String {
    match (&report.driver, report.software) {
        (None, _) => "device: none; the CPU twins did the work, on the host's processor".into(),
        (Some(driver), true) => format!("device: {} ({driver}), software on the host's processor", report.adapter),
        (Some(driver), false) => format!("device: {} ({driver})", report.adapter),
    }
}

/// One row a precision.
pub(super) fn precisions(report: &Report) -> String {
    let heading = ["precision", ">formula bytes", ">measured bytes", ">relative RMSE", "the difference, by name"];
    let mut rows = vec![heading.map(String::from).to_vec()];
    for precision in &report.precisions {
        let mut lines: Vec<_> = precision.lines.iter().filter(|l| l.bytes != 0 || l.name == "residual").collect();
        lines.sort_by_key(|l| (l.name == "residual", std::cmp::Reverse(l.bytes.abs())));
        let sign = |bytes: i64| if bytes < 0 { "-" } else { "+" };
        let named = lines.iter().map(|l| format!("{} {}{}", l.name, sign(l.bytes), decimal(l.bytes.unsigned_abs())));
        rows.push(vec![
            precision.format.clone(),
            grouped(precision.estimated_bytes.into()),
            grouped(precision.measured_bytes().into()),
            precision.relative_rmse.map_or("-".into(), |e| format!("{e:.5}")),
            named.collect::<Vec<_>>().join(", "),
        ]);
    }
    table(&rows)
}

fn text(report: &Report) -> String {
    let mut out =
        format!("{}\nparameters: {}\n\n{}", device_line(report), grouped(report.parameters.into()), precisions(report));
    for precision in &report.precisions {
        out.push_str(&format!("\n{} by class ({})\n", precision.format, note(precision)));
        let mut rows = vec![["class", ">formula bytes", ">measured bytes"].map(String::from).to_vec()];
        for class in &precision.classes {
            rows.push(vec![class.class.into(), grouped(class.estimated.into()), grouped(class.measured.into())]);
        }
        out.push_str(&table(&rows));
        let mut worst: Vec<_> = precision.tensors.iter().filter(|t| t.relative_rmse.is_some()).collect();
        worst.sort_by(|a, b| b.relative_rmse.partial_cmp(&a.relative_rmse).unwrap_or(std::cmp::Ordering::Equal));
        let mut rows = vec![["worst tensors", ">relative RMSE", ">max error", ">SQNR dB"].map(String::from).to_vec()];
        for tensor in worst.iter().take(5) {
            let figure = |value: Option<f64>, digits: usize| value.map_or("-".into(), |v| format!("{v:.digits$}"));
            let figures = [figure(tensor.relative_rmse, 5), figure(tensor.max_abs_error, 6), figure(tensor.sqnr_db, 2)];
            rows.push(std::iter::once(tensor.name.clone()).chain(figures).collect());
        }
        out.push_str(&format!("\n{}", table(&rows)));
        out.push_str(&dequantized(precision));
        out.push_str(&kept(precision));
    }
    out
}

fn note(precision: &Precision) -> String {
    match (precision.unmeasured, precision.mode) {
        (Some(reason), mode) => format!("{mode}; measured is what was asked for: {reason}"),
        (None, mode) => mode.into(),
    }
}

/// Which types of the file were dequantized first.
fn dequantized(precision: &Precision) -> String {
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for tensor in precision.tensors.iter().filter(|t| t.dequantized_first) {
        *counts.entry(&tensor.source).or_default() += 1;
    }
    if counts.is_empty() {
        return String::new();
    }
    let counts: Vec<String> = counts.iter().map(|(source, count)| format!("{count} from {source}")).collect();
    format!("dequantized first, so that errors are those against the file's values: {}\n", counts.join(", "))
}

/// The tensors that were to be quantized and could not, and how many stay as they are by rule.
fn kept(precision: &Precision) -> String {
    let mut reasons = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for tensor in &precision.tensors {
        if let Some(reason) = tensor.kept {
            reasons.entry(reason).or_default().push(&tensor.name);
        }
    }
    let mut out = String::new();
    for (reason, names) in reasons {
        let shown = names.iter().take(3).copied().collect::<Vec<_>>().join(", ");
        let more = if names.len() > 3 { ", ..." } else { "" };
        out.push_str(&format!("kept as stored, {reason}: {} ({shown}{more})\n", names.len()));
    }
    out
}

#[cfg(test)]
mod tests {
    #[test]
    fn bytes_with_units() {
        assert_eq!(super::bytes("24GB"), Ok(24_000_000_000));
        assert_eq!(super::bytes("1.5MiB"), Ok(1_572_864));
        assert_eq!(super::bytes("17"), Ok(17));
        assert!(super::bytes("many").is_err());
    }
}
