//! The `banner` command.
fn main() {}
