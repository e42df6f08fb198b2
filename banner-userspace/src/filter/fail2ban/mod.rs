//! fail2ban's dialect: what its own filters mean, to the letter.
//!
//! A line is text. Its stamp is cut out wherever it stands, and patterns are searched in what is
//! left, with a line break behind it.

mod buffer;
mod clock;

use std::{borrow::Cow, mem};

use jiff::tz::TimeZone;

use self::buffer::{Parts, divide, join};
use self::clock::Clock;
pub(super) use self::clock::Forms;
use super::{
    choice::{Choice, Left},
    decode::Decoder,
    fields::{Fields, Value},
    groups::Slots,
    identity::{Identity, identify},
    matcher::{Exhausted, Matcher},
    session::Sessions,
    verdict::Line,
};
use crate::model::Wall;

/// A compiled filter of this dialect.
#[derive(Debug)]
pub(super) struct Fail2ban {
    pub(super) prefilter: Option<Matcher>,
    pub(super) fail: Vec<Matcher>,
    pub(super) choice: Choice,
    pub(super) ignore: Vec<Matcher>,
    /// More than 1: patterns see that many lines at once.
    pub(super) lines: usize,
    pub(super) decoder: Decoder,
    pub(super) forms: Forms,
}

/// What one log has shown so far.
#[derive(Debug)]
pub(super) struct State {
    clock: Clock,
    pub(super) sessions: Sessions,
    /// Patterns that gave up.
    pub(super) exhausted: u64,
    buffer: Vec<Parts>,
    text: String,
    inner: Slots,
    outer: Slots,
}

impl State {
    pub(super) fn new(zone: TimeZone) -> Self {
        Self {
            clock: Clock::new(zone),
            sessions: Sessions::default(),
            exhausted: 0,
            buffer: Vec::new(),
            text: String::new(),
            inner: Slots::new(),
            outer: Slots::new(),
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
    Failure(Box<Failure>),
}

/// A failure.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) pattern: usize,
    pub(super) identity: Identity,
    /// When, if the log says.
    pub(super) at: Option<Wall>,
    pub(super) fields: Fields,
}

/// What stands behind a line that was cut, so that no `$` matches there.
const CUT_MARK: &str = " [cut]";

impl Fail2ban {
    /// Where what patterns see begins in a line without a stamp: at the content of the prefilter, where
    /// that reaches to the end of the line; else at 0.
    pub(super) fn message_at(&self, line: &[u8]) -> usize {
        let content = || {
            let prefilter = self.prefilter.as_ref()?;
            let mut slots = Slots::default();
            let text = [line, b"\n"].concat();
            let matched = prefilter
                .search(&text, &mut slots)
                .is_ok_and(|matched| matched);
            let mut fields = matched.then(|| prefilter.groups().fields(&text, &slots))?;
            let content = fields.take("content")?.to_string();
            line.strip_suffix(content.as_bytes()).map(<[u8]>::len)
        };
        content().unwrap_or(0)
    }

    pub(super) fn judge(&self, state: &mut State, line: Line<'_>, now: Wall) -> Found {
        let end = (line.bytes.iter()).rposition(|byte| !matches!(byte, b'\r' | b'\n'));
        let bytes = &line.bytes[..end.map_or(0, |last| last + 1)];
        let mut text = self.decoder.text(bytes);
        if line.cut {
            text = Cow::Owned([&*text, CUT_MARK].concat());
        }
        let divided = state.clock.divide(&self.forms, &text, line.at, now);
        let Some((parts, at)) = divided else {
            return Found::Nothing;
        };
        if self.lines > 1 {
            state.buffer.push(parts.owned());
            let surplus = state.buffer.len().saturating_sub(self.lines);
            state.buffer.drain(..surplus);
            let lines = state.buffer.clone();
            let mut text = String::new();
            join(&lines, &mut text);
            return self.find(state, &text, &lines, at, now);
        }
        let mut text = mem::take(&mut state.text);
        text.clear();
        text.extend([parts.before, parts.behind, "\n"]);
        let found = self.find(state, &text, &[], at, now);
        state.text = text;
        found
    }

    /// Looks for a failure in `text`, which is that of `lines` where patterns see several.
    fn find(
        &self,
        state: &mut State,
        text: &str,
        lines: &[Parts],
        at: Option<Wall>,
        now: Wall,
    ) -> Found {
        // With few ignore patterns they are asked first, which is not the same: they see the whole
        // line then, where later they see what the prefilter lets through.
        let early = !self.ignore.is_empty() && self.ignore.len() + 2 < self.fail.len();
        if early && self.is_ignored(state, text) {
            return Found::Ignored;
        }
        let mut outer = Fields::default();
        let mut text = Cow::Borrowed(text);
        if let Some(prefilter) = &self.prefilter {
            let mut slots = mem::take(&mut state.outer);
            let matched = prefilter.search(text.as_bytes(), &mut slots);
            let matched = state.holds(matched);
            if matched {
                outer = prefilter.groups().fields(text.as_bytes(), &slots);
            }
            state.outer = slots;
            if !matched {
                return Found::Nothing;
            }
            if let Some(content) = outer.take("content") {
                let content = content.to_string();
                text = Cow::Owned([&*content, "\n"].concat());
                state.buffer = vec![Parts {
                    behind: content,
                    ..Parts::default()
                }];
            }
        }
        let mut slots = mem::take(&mut state.inner);
        let found = self.first(state, &mut slots, text, lines, &outer, at, now);
        state.inner = slots;
        found
    }

    #[expect(clippy::too_many_arguments, reason = "one line's whole situation")]
    fn first(
        &self,
        state: &mut State,
        slots: &mut Slots,
        mut text: Cow<'_, str>,
        lines: &[Parts],
        outer: &Fields,
        at: Option<Wall>,
        now: Wall,
    ) -> Found {
        let mut possible = self.choice.ask(text.as_bytes());
        while let Some(n) = possible.next(self.fail.len()) {
            let pattern = &self.fail[n];
            let matched = pattern.search(text.as_bytes(), slots);
            if !state.holds(matched) {
                continue;
            }
            let own = pattern.groups().fields(text.as_bytes(), slots);
            let whole = pattern.groups().whole(slots);
            let mut left = Vec::new();
            let ignored = if self.lines > 1 {
                let skipped = skipped_lines(pattern, &own);
                let divided = divide(lines, &text, whole.start, whole.end, &skipped);
                left = divided.left;
                let mut matched = String::new();
                join(&divided.matched, &mut matched);
                self.is_ignored(state, &matched)
            } else {
                self.is_ignored(state, &text)
            };
            state.buffer.clone_from(&left);
            if ignored {
                return Found::Ignored;
            }
            let mut fields = outer.clone();
            fields.overwrite(own);
            if let Some(found) = Self::decide(state, n, fields, at, now) {
                return found;
            }
            // It names nobody. The next pattern sees what this one has left.
            let mut rest = String::new();
            join(&left, &mut rest);
            text = Cow::Owned(rest);
            possible = Left::From(n + 1);
        }
        Found::Nothing
    }

    /// What a match means; `None` when it has nothing to tell anybody by.
    fn decide(
        state: &mut State,
        pattern: usize,
        fields: Fields,
        at: Option<Wall>,
        now: Wall,
    ) -> Option<Found> {
        let failure = |identity, fields| {
            Found::Failure(Box::new(Failure {
                pattern,
                identity,
                at,
                fields,
            }))
        };
        let Some(session) = fields.get("mlfid").map(Value::to_string) else {
            return identify(&fields).map(|identity| failure(identity, fields));
        };
        let mut merged = state.sessions.merge(&session, fields, now);
        let found = if merged.fields.has("nofail") {
            Found::Nothing
        } else if let Some(identity) = identify(&merged.fields) {
            failure(identity, merged.fields.clone())
        } else {
            merged.fields.put("mlfpending", Value::Text("1".into()));
            Found::Nothing
        };
        state.sessions.store(session, merged, now);
        Some(found)
    }

    fn is_ignored(&self, state: &mut State, text: &str) -> bool {
        (self.ignore.iter()).any(|pattern| state.holds(pattern.is_match(text.as_bytes())))
    }
}

/// What the parts of a pattern that pass over lines caught, all together.
fn skipped_lines(pattern: &Matcher, fields: &Fields) -> String {
    let mut skipped = String::new();
    for n in 0.. {
        let name = format!("skiplines{n}");
        if !pattern.groups().has(&name) {
            break;
        }
        skipped.push_str(fields.text(&name).unwrap_or_default());
    }
    skipped
}
