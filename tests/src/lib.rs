//! What the tests share: namespaces, frames, daemons.
