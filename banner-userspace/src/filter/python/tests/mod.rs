//! Tests of the translation as a whole.

mod differential;
mod hostile;
mod peer;
mod random;
mod stock;
mod tables;
mod unicode;
