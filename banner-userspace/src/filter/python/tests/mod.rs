//! Tests of the translation as a whole.

mod differential;
mod peer;
mod random;
