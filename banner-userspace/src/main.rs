//! The `banner` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    banner_userspace::cli::main()
}
