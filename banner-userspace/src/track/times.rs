//! The times of one host's failures.

use super::Window;
use crate::model::Wall;

/// Times of the failures that still count, in ascending order. Most hosts that are seen at all are
/// seen once, so one time needs no memory of its own.
#[derive(Debug)]
pub(super) enum Times {
    One(Wall),
    More(Vec<Wall>),
}

impl Default for Times {
    /// No failures.
    fn default() -> Self {
        Self::More(Vec::new())
    }
}

impl Times {
    /// Forgets what is not later than `start`, and notes a failure at `at`; how many there are now.
    pub(super) fn add(&mut self, at: Wall, start: Wall) -> usize {
        match self {
            Self::One(only) if *only <= start => {
                *only = at;
                1
            }
            Self::One(only) => {
                // Four at once: as many as fit without growing below the default of five.
                let mut times = Vec::with_capacity(4);
                times.extend([(*only).min(at), (*only).max(at)]);
                *self = Self::More(times);
                2
            }
            Self::More(times) => {
                let over = times.partition_point(|&failure| failure <= start);
                times.drain(..over);
                if times.is_empty() {
                    *self = Self::One(at);
                    return 1;
                }
                let place = times.partition_point(|&failure| failure <= at);
                times.insert(place, at);
                times.len()
            }
        }
    }

    /// Whether none is later than `start`.
    pub(super) fn is_over(&self, start: Wall) -> bool {
        match self {
            Self::One(only) => *only <= start,
            Self::More(times) => times.last().is_none_or(|last| *last <= start),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::More(times) if times.is_empty())
    }

    /// All of them.
    pub(super) fn list(&self) -> Window {
        match self {
            Self::One(only) => vec![*only],
            Self::More(times) => times.clone(),
        }
    }
}

impl From<Window> for Times {
    fn from(times: Window) -> Self {
        match *times {
            [only] => Self::One(only),
            _ => Self::More(times),
        }
    }
}
