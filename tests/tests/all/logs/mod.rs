//! Log files as they are on real machines: rotated, late, cut short, hostile.

mod hostile;
mod rotation;
mod watched;
