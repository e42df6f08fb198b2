//! banner's own dialect: a named prefix, then a message of bytes.

mod host;
mod pattern;
mod plain;
mod prefix;
mod prefixes;
mod tags;
mod tail;

pub use self::prefixes::BUILTIN_PREFIXES;
pub(super) use self::{
    pattern::Pattern,
    prefix::{Prefix, Split},
};
use self::{prefix::Remembered, tail::Tails};

use std::{borrow::Cow, collections::VecDeque, mem};

use super::{
    choice::{Choice, Left},
    decode::Decoder,
    fields::{Fields, Value},
    groups::Slots,
    identity::{Identity, identify},
    matcher::{Exhausted, Matcher, Syntax},
    session::Sessions,
    stamp::{Stamp, StampForms, StampReader},
    verdict::{Key, Line},
};
use crate::model::Wall;

/// What stands at the end of a line that was cut, so that no `$` matches there: the attacker, who
/// chooses the length of a user name, must not choose where a line seems to end.
const CUT_MARK: &[u8] = b" [cut]";

/// A compiled filter of this dialect.
#[derive(Clone, Debug)]
pub(super) struct Native {
    pub(super) prefix: Option<Prefix>,
    pub(super) prefilter: Option<Pattern>,
    pub(super) fail: Vec<Pattern>,
    pub(super) choice: Choice,
    pub(super) ignore: Vec<Matcher>,
    /// More than 1: patterns see that many messages at once.
    pub(super) lines: usize,
    /// None: bytes.
    pub(super) decoder: Option<Decoder>,
    /// How stamps look; none: in any form that is known.
    pub(super) forms: Option<StampForms>,
    /// Some pattern has a session in it.
    pub(super) sessions: bool,
}

/// What one log has shown so far.
#[derive(Debug)]
pub(super) struct State {
    pub(super) sessions: Sessions,
    pub(super) stamps: StampReader,
    /// Patterns that gave up.
    pub(super) exhausted: u64,
    buffer: VecDeque<Vec<u8>>,
    text: Vec<u8>,
    slots: Slots,
    tails: Tails,
    stamp: Remembered,
}

impl State {
    pub(super) fn new(stamps: StampReader) -> Self {
        Self {
            stamps,
            sessions: Sessions::default(),
            exhausted: 0,
            buffer: VecDeque::new(),
            text: Vec::new(),
            slots: Slots::new(),
            tails: Tails::default(),
            stamp: Remembered::default(),
        }
    }

    fn holds(&mut self, result: Result<bool, Exhausted>) -> bool {
        result.unwrap_or_else(|Exhausted| {
            self.exhausted += 1;
            false
        })
    }
}

/// What was found in a line.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Ignored,
    Failure(Failure),
}

/// A failure.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) pattern: usize,
    pub(super) identity: Identity,
    /// What its stamp says.
    pub(super) stamp: Stamp,
    pub(super) fields: Option<Fields>,
}

impl Native {
    /// Where the message of a line begins.
    pub(super) fn message_at(&self, line: &[u8]) -> usize {
        let split = |prefix: &Prefix| prefix.split(line, &mut Remembered::default()).1.len();
        self.prefix
            .as_ref()
            .map_or(0, |prefix| line.len() - split(prefix))
    }

    /// What this filter says of `line`; `keep`: with all fields.
    /// `shared`: what a prefix that others have too has split, and the number of this line.
    pub(super) fn judge(
        &self,
        state: &mut State,
        line: Line<'_>,
        now: Wall,
        keep: bool,
        shared: Option<(&mut Split, u64)>,
    ) -> Found {
        let bytes = match &self.decoder {
            Some(decoder) => match decoder.text(line.bytes) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            },
            None => Cow::Borrowed(line.bytes),
        };
        let (stamp, message) = match &self.prefix {
            Some(prefix) => match shared {
                Some((split, number)) => prefix.split_once(&bytes, split, number),
                None => prefix.split(&bytes, &mut state.stamp),
            },
            None => (None, &*bytes),
        };
        if self.lines <= 1 && !line.cut {
            return self.judge_message(state, message, stamp, now, keep);
        }
        let mut text = mem::take(&mut state.text);
        text.clear();
        let mut message = message.to_vec();
        if line.cut {
            message.extend_from_slice(CUT_MARK);
        }
        if self.lines <= 1 {
            text = message;
        } else {
            state.buffer.push_back(message);
            let surplus = state.buffer.len().saturating_sub(self.lines);
            state.buffer.drain(..surplus);
            for line in &state.buffer {
                if !text.is_empty() {
                    text.push(b'\n');
                }
                text.extend_from_slice(line);
            }
        }
        let found = self.judge_message(state, &text, stamp, now, keep);
        if !matches!(found, Found::Nothing) {
            state.buffer.clear();
        }
        state.text = text;
        found
    }

    fn judge_message(
        &self,
        state: &mut State,
        message: &[u8],
        stamp: Option<&[u8]>,
        now: Wall,
        keep: bool,
    ) -> Found {
        let mut slots = mem::take(&mut state.slots);
        let found = self.search(state, &mut slots, message, stamp, now, keep);
        state.slots = slots;
        found
    }

    fn search(
        &self,
        state: &mut State,
        slots: &mut Slots,
        message: &[u8],
        stamp: Option<&[u8]>,
        now: Wall,
        keep: bool,
    ) -> Found {
        let mut outer = Fields::default();
        let mut outer_stamp = None;
        let mut text = Cow::Borrowed(message);
        if let Some(prefilter) = &self.prefilter {
            let matched = prefilter.matcher.search(message, slots);
            if !state.holds(matched) {
                return Found::Nothing;
            }
            outer_stamp = prefilter.stamp(message, slots).map(<[u8]>::to_vec);
            if let Some(fields) = prefilter.fields(message, slots) {
                outer = fields;
            }
            if let Some(content) = prefilter.content(message, slots) {
                text = Cow::Owned(content.to_vec());
            }
        }
        let mut left = self.choice.ask(&text);
        loop {
            let sure = matches!(left, Left::Sure(_));
            let Some(n) = left.next(self.fail.len()) else {
                break;
            };
            let pattern = &self.fail[n];
            let plain = !keep && !self.sessions && outer.is_empty() && pattern.id.is_none();
            let tail = if plain && sure {
                pattern.search_tail(&text, slots, &mut state.tails, n)
            } else {
                None
            };
            if tail.is_none() {
                let matched = pattern.matcher.search(&text, slots);
                if !state.holds(matched) {
                    continue;
                }
            }
            let stamp = || {
                let own = pattern.stamp(&text, slots).or(outer_stamp.as_deref());
                own.or(stamp)
            };
            if plain {
                let key = match tail {
                    Some(tail::Found::Host(host)) => Some(Key::Address(host)),
                    Some(tail::Found::Groups) | None => pattern.key(&text, slots),
                };
                // A shape that is no address (999.0.0.1) is no failure of anybody.
                let Some(key) = key else {
                    continue;
                };
                if self.is_ignored(state, &text) {
                    return Found::Ignored;
                }
                return Found::Failure(Failure {
                    pattern: n,
                    identity: key.into(),
                    stamp: self.read(state, stamp(), now),
                    fields: None,
                });
            }
            let Some(own) = pattern.fields(&text, slots) else {
                continue;
            };
            let mut fields = outer.clone();
            fields.update(own);
            let ignored = |state: &mut State| self.is_ignored(state, &text);
            match Self::decide(state, fields, now, ignored) {
                Decided::Nobody => {}
                Decided::Innocent => return Found::Nothing,
                Decided::Ignored => return Found::Ignored,
                Decided::Guilty(identity, fields) => {
                    return Found::Failure(Failure {
                        pattern: n,
                        identity,
                        stamp: self.read(state, stamp(), now),
                        fields: Some(fields),
                    });
                }
            }
        }
        Found::Nothing
    }

    fn read(&self, state: &mut State, stamp: Option<&[u8]>, now: Wall) -> Stamp {
        state.stamps.read_as(self.forms.as_ref(), stamp, now)
    }

    fn decide(
        state: &mut State,
        fields: Fields,
        now: Wall,
        ignored: impl Fn(&mut State) -> bool,
    ) -> Decided {
        let Some(session) = fields.get("mlfid").map(Value::to_string) else {
            return match identify(&fields) {
                None => Decided::Nobody,
                Some(_) if ignored(state) => Decided::Ignored,
                Some(identity) => Decided::Guilty(identity, fields),
            };
        };
        if ignored(state) {
            return Decided::Ignored;
        }
        let mut merged = state.sessions.merge(&session, fields, now);
        let decided = if merged.fields.has("nofail") {
            Decided::Innocent
        } else if let Some(identity) = identify(&merged.fields) {
            Decided::Guilty(identity, merged.fields.clone())
        } else {
            merged.fields.put("mlfpending", Value::Text("1".into()));
            Decided::Innocent
        };
        state.sessions.store(session, merged, now);
        decided
    }

    fn is_ignored(&self, state: &mut State, text: &[u8]) -> bool {
        (self.ignore.iter()).any(|pattern| state.holds(pattern.is_match(text)))
    }
}

enum Decided {
    /// It has nothing to tell anybody by.
    Nobody,
    Innocent,
    Ignored,
    Guilty(Identity, Fields),
}

/// A pattern of `ignore`: its tags catch nothing.
pub(super) fn ignore_pattern(text: &str, syntax: Syntax, stamp: &str) -> Result<Matcher, String> {
    Matcher::native(&tags::expand_silently(text, stamp), syntax)
}
