//! Who is told of what: the targets of the main file, and which of them each jail tells.

mod check;
mod raw;
pub(crate) mod settings;
mod shapes;

pub(crate) use check::{Routes, targets};
pub(crate) use raw::{RawNotify, RawRoute};
