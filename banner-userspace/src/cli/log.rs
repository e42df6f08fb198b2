//! Where the agent's log lines go.

use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::fmt::format::debug_fn;

use super::table::escaped;

/// Lines that wait for a reader of stderr that is slow. Beyond that they are dropped: a reader that
/// stands still must not keep a ban from being decided. Each place takes 32 bytes from the start on.
const WAITING_LINES: usize = 16_384;

/// Log lines go to stderr from now on, through a thread of their own, until the guard is dropped.
pub(super) fn to_stderr() -> WorkerGuard {
    let (stderr, guard) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING_LINES)
        .thread_name("log")
        .finish(std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_writer(stderr)
        // Names of files and interfaces may have line breaks and escape sequences in them. tracing
        // itself lets line breaks through, with which a name could forge a line.
        .fmt_fields(debug_fn(|writer, field, value| {
            let value = format!("{value:?}");
            match field.name() {
                "message" => write!(writer, "{}", escaped(&value)),
                name => write!(writer, "{name}={}", escaped(&value)),
            }
        }))
        .with_target(false)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    // journald stamps lines itself.
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        builder.without_time().init();
    } else {
        builder.init();
    }
    guard
}
