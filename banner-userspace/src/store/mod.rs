//! What outlives the agent on disk. So far: where reading stopped.

mod marks;

pub use marks::{forget_marks, load_marks, save_marks};
