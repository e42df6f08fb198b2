//! Puts bans into force.

pub mod xdp;

use crate::model::{Ban, Change, Mono};

/// A way to keep banned hosts' packets out.
pub trait Enforcer {
    /// Its name in configuration and reports.
    fn name(&self) -> &'static str;

    /// Puts the changes into force, in their order. When this returns, those that are not among
    /// the failures are in force.
    fn apply(&mut self, changes: &[Change], now: Mono) -> Result<(), Vec<Failed>>;

    /// What is in force, as far as it can tell.
    fn in_force(&mut self, now: Mono) -> anyhow::Result<Vec<Ban>>;
}

/// A change that could not be put into force.
#[derive(Debug, thiserror::Error)]
#[error("{change:?}: {why}")]
pub struct Failed {
    /// Which.
    pub change: Change,
    /// Why not.
    pub why: String,
}
