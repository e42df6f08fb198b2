//! What filters find in place of addresses.

mod names;
mod prefixes;
