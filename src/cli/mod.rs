//! The command line: one file a subcommand. Data goes to standard output, everything else to standard error.

mod bytes;
mod devices;
mod draws;
mod html;
mod html_charts;
mod inputs;
mod inspect;
mod manual;
mod plan;
mod plan_text;
mod plans;
mod prove;
mod prove_charts;
mod prove_html;
mod prove_text;
mod sample;
mod sample_text;
mod shapes;
mod table;
mod tour;
mod weigh;
mod weigh_text;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::error::{Error, Result};
use crate::footprint::{Device, Progress};
use crate::gpu::{Gpu, GpuOptions};

/// Quantizes tensors on any GPU, and weighs what that took.
///
/// Without a command it gives the tour: a real transformer layer at three precisions, the bytes that the formula claims beside
/// the bytes that the device took, and the error that each precision costs.
#[derive(Debug, Parser)]
#[command(version, after_help = "Exit status: 0 fine, 1 a finding (a claim or bound did not hold), 2 an error.")]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Option<Command>,
}

/// What every command takes.
#[derive(Args, Clone, Debug)]
struct Common {
    /// The device: a part of its name, its number in `weighbridge devices`, or `cpu` for the CPU twins [default: the most
    /// powerful GPU; the CPU twins, with a message, where there is none].
    #[arg(long, global = true, value_name = "NAME")]
    adapter: Option<String>,
    /// Print one JSON document.
    #[arg(long, global = true)]
    json: bool,
    /// No progress bar.
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the adapters: limits, features, what their floats do, how fast they copy.
    Devices,
    /// List what a file holds: tensors, types, parameters by component class.
    Inspect(inspect::InspectArgs),
    /// Quantize a model on the device; formula beside measurement, by name; the error of each tensor.
    Weigh(weigh::WeighArgs),
    /// Filter logits and draw tokens from them: what survives, with probabilities, and how often each was drawn.
    Sample(sample::SampleArgs),
    /// What fits a memory: precisions, the largest batch and context, the number of GPUs, and what other tools say.
    Plan(plan::PlanArgs),
    /// Measure what an article claims of model sizes, or your own claims, on the device: verdicts with evidence.
    Prove(prove::ProveArgs),
    /// Print the completions of a shell: `weighbridge completions bash > /etc/bash_completion.d/weighbridge`.
    Completions(manual::CompletionsArgs),
    /// Print the manual page: `weighbridge man > weighbridge.1`, `weighbridge man weigh > weighbridge-weigh.1`.
    Man(manual::ManArgs),
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error")).init();
    let cli = Cli::try_parse().unwrap_or_else(|error| {
        // Help and version are no errors; a program that asked for JSON gets its errors in JSON, these too.
        if error.use_stderr() && std::env::args().any(|a| a == "--json") {
            let message = error.to_string();
            // Its first paragraph: what is missing or wrong may stand in a list below the first line.
            let paragraph: Vec<&str> = message.lines().take_while(|line| !line.trim().is_empty()).map(str::trim).collect();
            let message = paragraph.join(" ");
            print_error(message.trim_start_matches("error: "), Some("`weighbridge --help` lists what can be asked".into()));
            std::process::exit(2);
        }
        error.exit()
    });
    let done = match &cli.command {
        None => tour::run(&cli.common),
        Some(Command::Devices) => devices::run(&cli.common),
        Some(Command::Inspect(args)) => inspect::run(&cli.common, args),
        Some(Command::Weigh(args)) => weigh::run(&cli.common, args),
        Some(Command::Sample(args)) => sample::run(&cli.common, args),
        Some(Command::Plan(args)) => plan::run(&cli.common, args),
        Some(Command::Prove(args)) => prove::run(&cli.common, args),
        Some(Command::Completions(args)) => manual::completions(args),
        Some(Command::Man(args)) => manual::man(args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            fail(&cli.common, &error);
            ExitCode::from(2)
        }
    }
}

fn fail(common: &Common, error: &Error) {
    if common.json {
        print_error(&error.to_string(), error.hint());
        return;
    }
    eprintln!("error: {error}");
    if let Some(hint) = error.hint() {
        eprintln!("\nhint: {hint}");
    }
}

fn print_error(message: &str, hint: Option<String>) {
    let document = serde_json::json!({ "schema": 1, "error": message, "hint": hint });
    print(&format!("{document:#}\n"));
}

/// Writes to standard output; a reader that went away (`| head`) is no error.
///
/// Colour is left out where nobody sees it: on what is no terminal, and where `NO_COLOR` or `TERM=dumb` asks for that.
fn print(text: &str) {
    let _ = anstream::stdout().lock().write_all(text.as_bytes());
}

fn print_json(document: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(document).map_err(|e| Error::Unsupported {
        what: "the report".into(),
        need: "what JSON can hold".into(),
        have: e.to_string(),
    })?;
    print(&(text + "\n"));
    Ok(())
}

/// The device that the arguments ask for: a GPU, or the CPU twins where none was named and there is none, which is said.
fn device(common: &Common, mut options: GpuOptions) -> Result<Device> {
    match common.adapter.as_deref() {
        Some("cpu") => return Ok(Device::Cpu),
        Some(name) => options.adapter = name.parse().unwrap_or_default(),
        None => {}
    }
    match Gpu::open(&options) {
        Ok(_) => Ok(Device::Gpu(options)),
        Err(error @ (Error::NoAdapter { .. } | Error::WeakAdapter { .. })) if common.adapter.is_none() => {
            eprintln!("note: {error}");
            eprintln!("note: the CPU twins do the work; hint: {}\n", error.hint().unwrap_or_default());
            Ok(Device::Cpu)
        }
        Err(error) => Err(error),
    }
}

/// Shows progress on a terminal.
fn with_progress<T>(common: &Common, work: impl FnOnce(&mut dyn FnMut(Progress<'_>)) -> Result<T>) -> Result<T> {
    if common.quiet || !std::io::stderr().is_terminal() {
        return work(&mut |_| ());
    }
    let style = indicatif::ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {wide_msg}");
    let bar = indicatif::ProgressBar::new(0).with_style(style.unwrap_or_else(|_| indicatif::ProgressStyle::default_bar()));
    let result = work(&mut |progress: Progress<'_>| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        bar.set_message(format!("{} {}", progress.format, progress.tensor));
    });
    bar.finish_and_clear();
    result
}
