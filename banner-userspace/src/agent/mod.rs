//! Wiring.
pub mod pipeline;
