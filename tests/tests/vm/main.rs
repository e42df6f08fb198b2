//! Tests on the network cards of a virtual machine. `cargo xtask vm` runs them, and everything in
//! `all` that needs no daemons.

mod agent;
mod cards;
mod jumbo;
mod native;
