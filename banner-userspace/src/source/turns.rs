//! Reading by turns, so that a flood in one file keeps no other waiting.

use super::file::{GUARD, Taken};
use super::lines::End;
use super::names::{Followed, Piece};
use super::state::{Problem, Stats};
use super::tail::Tail;
use super::watch::FileId;
use crate::model::Mono;

/// The most that is read from one file before the next has its turn, in bytes.
pub(super) const SLICE: usize = 128 * 1024;

/// Room for one read.
pub(super) const ROOM: usize = GUARD + SLICE;

impl Tail {
    /// Puts a file into the queue.
    pub(super) fn enqueue(&mut self, id: FileId) {
        if let Some(followed) = self.files.get_mut(&id)
            && !std::mem::replace(&mut followed.queued, true)
        {
            self.queue.push_back(id);
        }
    }

    /// Reads the files in the queue by turns until the budget is used up.
    pub(super) fn read(&mut self, now: Mono, mut budget: usize, sink: &mut dyn FnMut(Piece<'_>)) {
        while budget > 0 {
            let Some(id) = self.next_in_turn() else {
                return;
            };
            let Some(followed) = self.files.get_mut(&id) else {
                continue;
            };
            let limit = if followed.logs.iter().any(|log| self.records.contains(log)) {
                self.longest
            } else {
                self.limit
            };
            let Followed {
                file,
                logs,
                current_of,
                former_of,
                ..
            } = followed;
            let path = current_of.first().or(former_of.first());
            let stats = &mut self.stats;
            let first = file.position() == 0;
            let taken = file.read(
                &mut self.buffer,
                budget.min(SLICE),
                limit,
                &mut |bytes, end| {
                    let piece = Piece {
                        logs,
                        bytes,
                        end,
                        file: id,
                        path,
                    };
                    give(stats, piece, sink);
                },
            );
            followed.queued = false;
            let taken = match taken {
                Ok(taken) => {
                    self.unsettled |= followed.problem.take().is_some();
                    taken
                }
                Err(error) => {
                    let problem = Problem::passing(error.to_string(), now);
                    Problem::note(&mut followed.problem, Some(problem));
                    self.unsettled = true;
                    Taken::default()
                }
            };
            if let Some(lost) = taken.truncated {
                self.stats.truncations += 1;
                self.stats.lost += lost;
            }
            if taken.bytes > 0 {
                followed.stirred = now;
                self.stats.bytes += taken.bytes as u64;
                // Its writer has moved on to it: see `settle`.
                self.unsettled |= first;
                budget -= taken.bytes.min(budget);
            }
            if taken.more {
                self.enqueue(id);
            } else {
                // There is no more, for now: nobody waits for it any longer.
                followed.due = 0;
            }
        }
    }

    /// The first file in the queue that need not wait for another.
    fn next_in_turn(&mut self) -> Option<FileId> {
        for _ in 0..self.queue.len() {
            let id = self.queue.pop_front()?;
            let Some(followed) = self.files.get(&id) else {
                continue;
            };
            let waits = followed.after.iter().any(|earlier| {
                self.files
                    .get(earlier)
                    .is_some_and(|one| one.file.position() < one.due)
            });
            if !waits {
                return Some(id);
            }
            self.queue.push_back(id);
        }
        // All wait for each other, as after two logs have swapped their names.
        self.queue.pop_front()
    }
}

/// Counts what is given out, and hands it on.
pub(super) fn give(stats: &mut Stats, piece: Piece<'_>, sink: &mut dyn FnMut(Piece<'_>)) {
    match piece.end {
        End::Whole => stats.lines += memchr::memchr_iter(b'\n', piece.bytes).count() as u64,
        End::Cut => {
            stats.lines += 1;
            stats.cut += 1;
        }
        End::Unfinished => {
            stats.lines += 1;
            stats.unfinished += 1;
        }
    }
    sink(piece);
}
