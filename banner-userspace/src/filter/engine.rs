//! A compiled filter, and what it says of a line.

use jiff::tz::TimeZone;

use super::{
    fail2ban::{self, Fail2ban},
    native::{self, Native},
    sieve::Required,
    spec::{FilterSpec, Stamps},
    splits::Shared,
    stamp::{Stamp, StampReader},
    verdict::{Hit, Line, Verdict},
};
use crate::model::Wall;

/// A filter, ready to be asked. It never changes; what a log has shown is in a [`FilterState`].
#[derive(Debug)]
pub struct Filter {
    pub(super) judge: Judge,
    pub(super) spec: FilterSpec,
    /// Literals of which a line that says something has one; none: any line may.
    pub(super) required: Option<Required>,
}

/// The filter in its dialect.
#[derive(Debug)]
pub(super) enum Judge {
    Native(Box<Native>),
    Fail2ban(Box<Fail2ban>),
}

/// What one log has shown one filter: its sessions, lines to look back on, how its stamps look.
#[derive(Debug)]
pub struct FilterState {
    kind: Kind,
    keep_fields: bool,
}

#[derive(Debug)]
enum Kind {
    Native(Box<native::State>),
    Fail2ban(Box<fail2ban::State>),
}

impl FilterState {
    /// For a log whose stamps without a zone are in `zone`.
    pub fn new(filter: &Filter, zone: &TimeZone) -> Self {
        let kind = match &filter.judge {
            Judge::Native(_) => {
                Kind::Native(Box::new(native::State::new(StampReader::new(zone.clone()))))
            }
            Judge::Fail2ban(_) => Kind::Fail2ban(Box::new(fail2ban::State::new(zone.clone()))),
        };
        Self {
            kind,
            keep_fields: false,
        }
    }

    /// Whether hits come with all their fields, which costs time.
    #[must_use]
    pub fn keep_fields(mut self, keep: bool) -> Self {
        self.keep_fields = keep;
        self
    }

    /// How often a pattern gave up on a line: it took too many steps, or the line was too long for it.
    pub fn exhausted(&self) -> u64 {
        match &self.kind {
            Kind::Native(state) => state.exhausted,
            Kind::Fail2ban(state) => state.exhausted,
        }
    }

    /// The same since this was asked last.
    pub fn take_exhausted(&mut self) -> u64 {
        match &mut self.kind {
            Kind::Native(state) => std::mem::take(&mut state.exhausted),
            Kind::Fail2ban(state) => std::mem::take(&mut state.exhausted),
        }
    }

    /// How many sessions were forgotten because there were too many.
    pub fn forgotten_sessions(&self) -> u64 {
        match &self.kind {
            Kind::Native(state) => state.sessions.evicted(),
            Kind::Fail2ban(state) => state.sessions.evicted(),
        }
    }
}

impl Filter {
    /// What it was compiled from.
    pub fn spec(&self) -> &FilterSpec {
        &self.spec
    }

    /// Whether it has to look at every line, because some pattern has no literal in it that could be
    /// searched for, or because it looks back on lines.
    pub fn wants_every_line(&self) -> bool {
        self.required.is_none()
    }

    /// A copy for another thread, with memory of its own for its engines, where what this filter says
    /// of a line does not depend on the lines before it.
    #[must_use]
    pub fn apart(&self) -> Option<Self> {
        match &self.judge {
            Judge::Native(native) if !native.sessions && native.lines <= 1 => Some(Self {
                judge: Judge::Native(native.clone()),
                spec: self.spec.clone(),
                required: self.required.clone(),
            }),
            Judge::Native(_) | Judge::Fail2ban(_) => None,
        }
    }

    /// What this filter says of `line` at time `now`, after all lines that `state` has seen. The
    /// state must be one of this filter's.
    pub fn judge_in(&self, state: &mut FilterState, line: Line<'_>, now: Wall) -> Verdict {
        self.judge_sharing(state, line, now, None)
    }

    /// The same for one of several filters that look at a line: `shared` is of
    /// [`Splits::of`](super::Splits::of) for this filter.
    pub fn judge_sharing(
        &self,
        state: &mut FilterState,
        line: Line<'_>,
        now: Wall,
        shared: Option<Shared<'_>>,
    ) -> Verdict {
        let shared = shared.map(|shared| (shared.split, shared.line));
        let keep = state.keep_fields;
        match (&self.judge, &mut state.kind) {
            (Judge::Native(native), Kind::Native(state)) => {
                match native.judge(state, line, now, keep, shared) {
                    native::Found::Nothing => Verdict::Miss,
                    native::Found::Ignored => Verdict::Ignored,
                    native::Found::Failure(found) => {
                        let stamp = match line.at {
                            Some(at) => Stamp::known(at, now),
                            None if self.spec.stamps == Stamps::None => Stamp::Missing,
                            None => found.stamp,
                        };
                        Verdict::Fail(hit(found, stamp, keep))
                    }
                }
            }
            (Judge::Fail2ban(judge), Kind::Fail2ban(state)) => {
                match judge.judge(state, line, now) {
                    fail2ban::Found::Nothing => Verdict::Miss,
                    fail2ban::Found::Ignored => Verdict::Ignored,
                    fail2ban::Found::Failure(found) => {
                        let found = *found;
                        let stamp = found.at.map_or(Stamp::Missing, |at| Stamp::known(at, now));
                        Verdict::Fail(Hit {
                            pattern: found.pattern,
                            key: found.identity.key,
                            address: found.identity.address,
                            at: found.at,
                            stamp,
                            fields: keep.then(|| Box::new(found.fields)),
                        })
                    }
                }
            }
            _ => unreachable!("the state of a filter of another dialect"),
        }
    }
}

fn hit(found: native::Failure, stamp: Stamp, keep: bool) -> Hit {
    Hit {
        pattern: found.pattern,
        key: found.identity.key,
        address: found.identity.address,
        at: match stamp {
            Stamp::At(at) => Some(at),
            Stamp::Missing | Stamp::Unreadable | Stamp::Future => None,
        },
        stamp,
        fields: found.fields.filter(|_| keep).map(Box::new),
    }
}
