//! Tests against a real kernel and real daemons. All need root.
//!
//! One binary, so that they are linked once and run side by side.

mod bad_input;
mod bench;
mod budget;
mod by_hand;
mod clock;
mod enforcers;
mod families;
mod features;
mod found;
mod gap;
mod imported;
mod interfaces;
mod lab;
mod layout;
mod logs;
mod netlink;
mod notify;
mod recidive;
mod reload;
mod sources;
mod spared_names;
mod ssh;
mod startup;
mod terminal;
mod torture;
mod verdict;
mod whole;
mod wire;

use families::for_both_families;
