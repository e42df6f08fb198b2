//! What an agent must survive, refuse or tell of: driven through the `banner` binary, on a log that
//! the test writes itself.

mod addresses;
mod bpffs;
mod configuration;
mod interfaces;
mod kernel;
mod lines;
mod links;
mod logs;
mod network;
mod pins;
mod places;
mod privilege;
pub(crate) mod site;
mod upgrade;
