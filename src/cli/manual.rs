//! `weighbridge completions` and `weighbridge man`, from the same definition as the arguments themselves.

use std::process::ExitCode;

use clap::CommandFactory;

use super::{Cli, print};
use crate::error::{Error, Result};

#[derive(clap::Args, Debug)]
pub(super) struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

#[derive(clap::Args, Debug)]
pub(super) struct ManArgs {
    /// The command whose page is wanted [default: the page of the whole].
    command: Option<String>,
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "weighbridge", &mut script);
    print(&String::from_utf8_lossy(&script));
    Ok(ExitCode::SUCCESS)
}

pub(super) fn man(args: &ManArgs) -> Result<ExitCode> {
    let mut whole = Cli::command();
    whole.build();
    let command = match &args.command {
        None => whole,
        Some(name) => whole.find_subcommand(name).cloned().ok_or_else(|| Error::UnknownName {
            kind: "command",
            name: name.clone(),
            known: whole.get_subcommands().map(clap::Command::get_name).collect::<Vec<_>>().join(", "),
        })?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(|source| Error::File { path: "the manual page".into(), source })?;
    print(&String::from_utf8_lossy(&page));
    Ok(ExitCode::SUCCESS)
}
