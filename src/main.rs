//! The binary: parse, run, say what went wrong.

use std::process::ExitCode;

fn main() -> ExitCode {
    weighbridge::cli::main()
}
