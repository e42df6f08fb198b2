//! Standard output, whose reader may have seen enough (`banner bans | head`).

use std::{
    fmt,
    io::{self, IsTerminal as _, Write as _},
    process,
};

use super::table;

/// Writes a line, as `println!` does, but takes the end of the reader for the end of its work.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::cli::output::line(format_args!($($text)*))
    };
}

pub(super) use say;

pub(super) fn line(text: fmt::Arguments<'_>) {
    done(writeln!(io::stdout().lock(), "{text}"));
}

/// Ends the program where standard output takes nothing any more.
fn done(written: io::Result<()>) {
    match written {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => process::exit(0),
        Err(error) => {
            eprintln!("banner: cannot write to standard output: {error}");
            process::exit(1);
        }
    }
}

/// Many lines on standard output, gathered before they are written.
#[derive(Debug)]
pub(super) struct Lines {
    gathered: Vec<u8>,
    /// Somebody looks on.
    at_once: bool,
}

/// How much is gathered.
const GATHERED: usize = 64 * 1024;

impl Lines {
    pub(super) fn new() -> Self {
        Self {
            gathered: Vec::new(),
            at_once: io::stdout().is_terminal(),
        }
    }

    /// A value as one line of JSON, safe for a terminal.
    pub(super) fn json(&mut self, value: &impl serde::Serialize) {
        match table::json_line(value) {
            Ok(text) => self.text(&text),
            Err(error) => {
                eprintln!("banner: cannot write JSON: {error}");
                process::exit(1);
            }
        }
    }

    pub(super) fn text(&mut self, line: &str) {
        self.gathered.extend_from_slice(line.as_bytes());
        self.gathered.push(b'\n');
        if self.at_once || self.gathered.len() >= GATHERED {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        let mut stdout = io::stdout().lock();
        done(
            stdout
                .write_all(&self.gathered)
                .and_then(|()| stdout.flush()),
        );
        self.gathered.clear();
    }
}
