//! `keopsc`: the compiler's command line.
//!
//! ```text
//! arguments.rs   what can be written          commands/   one file a command
//! formula.rs     where the formula is from    arrays/     .npy and text tables
//! console.rs     stdout, stderr, JSON         defect.rs   exit code 70
//! ```
//!
//! Invariants: results go to stdout or to files, everything else to stderr. Exit codes: 0 done, 1 errors in the formula,
//! 2 usage or environment, 70 a defect.

#![forbid(unsafe_code)]

mod arguments;
mod arrays;
mod commands;
mod console;
mod defect;
mod formula;
mod progress;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;

fn main() -> ExitCode {
    defect::guard(|| commands::run(&Arguments::parse()))
}
