//! Wiring: start-up order, the loop, signals, stop. The only room that reads clocks.

mod after;
mod again;
mod begin;
mod clock;
mod enforcing;
mod explain;
mod follow;
mod forget;
mod guarded;
mod interfaces;
mod keeper;
mod kept;
mod merge;
mod network;
mod never;
mod notify_socket;
pub mod pipeline;
mod reasons;
mod recall;
mod reload;
mod report;
mod requests;
mod run;
mod session;
mod start;
mod status;
mod stop;
mod tell;
mod terminal;
mod unread;
mod ways;

pub use clock::{now, processor_time};
pub use forget::forget;
pub use run::run;
pub use session::ssh_peer;
pub use start::{Options, Started, start};
