//! Standard output, whose reader may have seen enough (`banner bans | head`).

use std::{
    fmt,
    io::{self, Write as _},
    process,
};

/// Writes a line, as `println!` does, but takes the end of the reader for the end of its work.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::output::line(format_args!($($text)*))
    };
}

pub(super) use say;

pub(super) fn line(text: fmt::Arguments<'_>) {
    match writeln!(io::stdout().lock(), "{text}") {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => {
            eprintln!("banner: cannot write to standard output: {error}");
            process::exit(1);
        }
    }
}
