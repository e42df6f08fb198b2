//! Configuration of other programs, read as banner reads its own.

mod error;
pub mod fail2ban;
mod ini;

pub use error::{ImportError, Place, Why};
