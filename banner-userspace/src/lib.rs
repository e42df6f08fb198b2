//! The agent of banner, as a library for its binary and its tests.
//!
//! `ARCHITECTURE.md` at the root of the repository draws the rooms and says which may name which.

pub mod agent;
pub mod cli;
pub mod config;
pub mod control;
pub mod decide;
pub mod dns;
pub mod enforce;
pub mod filter;
pub mod import;
pub mod model;
pub mod netlink;
pub mod notify;
pub mod source;
pub mod store;
mod sys;
pub mod track;
