//! `banner test`, as it is typed: arguments in, text and exit code out. Needs neither root nor an
//! agent.

mod filters;
mod large;
mod logs;
mod scene;
