//! Finding the stamp of a line, wherever it stands, as fail2ban does.
//!
//! Each of several forms may be in a line. Which is taken depends on where earlier lines had theirs:
//! the form of the last line at the place of the last line is asked first, and forms that were met
//! often come before others. So lines are to be given in order, with the state of their log.

use std::sync::Arc;

use jiff::tz::TimeZone;

use super::{
    notation::Decades,
    order::{DetectorState, Place},
    pattern::Scratch,
    reading::{Around, Fault, epoch, read, tai64n},
    recall::{self, Stamped},
    template::{How, Template, Templates},
};
use crate::{filter::spec::Stamps, model::Wall};

/// Why a stamp pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct StampError {
    /// Which of the patterns, from 0.
    pub pattern: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Finds and reads stamps. It never changes: what it learns of a log is in [`DetectorState`].
#[derive(Clone, Debug)]
pub struct Detector {
    /// Making them takes milliseconds: logs share them.
    templates: Arc<[Template]>,
    decades: Decades,
    zone: TimeZone,
    default: Option<i32>,
}

/// A stamp that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'d> {
    /// The first byte of what is cut out of the line.
    pub start: usize,
    /// One behind its last byte. When nothing is cut out (`start == end`), the line has no stamp
    /// of its own: its time is that of the line before when that is of the last minute, or else now.
    pub end: usize,
    /// When that is; `None`: it cannot be read.
    pub at: Option<Wall>,
    /// fail2ban stumbles over this stamp and drops the whole line, without looking at what it says.
    pub lost: bool,
    /// Which form it has: a number below [`Detector::forms`].
    pub template: usize,
    /// The form, for people.
    pub name: &'d str,
}

impl Detector {
    /// A detector for `stamps`. `year` is the present one, which bounds the years that are taken
    /// for such. Stamps without a zone are `default_offset` (seconds east of Greenwich) or else in
    /// `zone`, which is also where the day begins.
    pub fn new(
        stamps: &Stamps,
        year: i16,
        default_offset: Option<i32>,
        zone: TimeZone,
    ) -> Result<Self, StampError> {
        let decades = Decades::up_to(year);
        let mut templates = Templates::new(decades.clone());
        let error = |pattern| move |message| StampError { pattern, message };
        if let Stamps::Patterns(patterns) = stamps {
            for (index, pattern) in patterns.iter().enumerate() {
                let lines = pattern
                    .split('\n')
                    .map(str::trim)
                    .filter(|line| !line.is_empty());
                for line in lines {
                    templates.add(line).map_err(error(index))?;
                }
            }
        }
        if templates.all.is_empty() && *stamps != Stamps::None {
            templates.add_known(false).map_err(error(0))?;
        }
        Ok(Self {
            templates: templates.all.into(),
            decades,
            zone,
            default: default_offset.map(|seconds| seconds / 60),
        })
    }

    /// The same for stamps in another zone, where the same years are taken for such in `year`.
    pub(in crate::filter) fn shared(&self, year: i16, zone: &TimeZone) -> Option<Self> {
        (self.decades == Decades::up_to(year)).then(|| Self {
            zone: zone.clone(),
            ..self.clone()
        })
    }

    /// The names of the forms that it knows, by number.
    pub fn forms(&self) -> impl ExactSizeIterator<Item = &str> {
        self.templates.iter().map(|template| template.name.as_str())
    }

    /// Finds the stamp of a line, which is read at time `now`. Lines of a log come in order, with the
    /// state of that log, which is for this detector alone.
    pub fn find(&self, state: &mut DetectorState, line: &str, now: Wall) -> Option<Found<'_>> {
        state.fit(self.templates.len());
        if let Some(last) = state.recall.of(line, now) {
            state.order.hit_again(now);
            return Some(self.found(last.template, (last.start, last.end), Some(last.at)));
        }
        let Hit {
            index,
            place,
            stays,
        } = self.search(state, line)?;
        state.recall.forget();
        let number = state.order.number(index);
        let template = &self.templates[number];
        let weight = |number: usize| self.templates[number].weight;
        let stumbled = !state.order.hit(index, line, place, now, weight);
        // A group that took no part ends where Python's index -1 is: before the last character.
        let last = || line.char_indices().next_back().map_or(0, |(at, _)| at);
        let (start, end) = state.scratch.group(1).unwrap_or_else(|| (last(), last()));
        let mut found = self.found(number, (start, end), None);
        if stumbled || start == end {
            found.lost = stumbled;
            return Some(found);
        }
        match self.time(template, state, line, now) {
            Ok((at, repeats)) => {
                found.at = Some(at);
                let decided = if template.program.anchored() {
                    Some((0, state.scratch.seen().max(place.end_byte + 1)))
                } else {
                    stays.then(|| recall::around(place, template.program.behind()))
                };
                if let Some(decided) = decided
                    && let Some(relative) = repeats
                {
                    let stamped = Stamped {
                        template: number,
                        start,
                        end,
                        at,
                        relative,
                    };
                    state.recall.keep(line, decided, stamped, now);
                }
            }
            Err(Fault::Unreadable) => {}
            Err(Fault::Lost) => found.lost = true,
        }
        Some(found)
    }

    fn found(&self, template: usize, (start, end): (usize, usize), at: Option<Wall>) -> Found<'_> {
        Found {
            start,
            end,
            at,
            lost: false,
            template,
            name: &self.templates[template].name,
        }
    }

    /// The time of what was found; whether the same text means another time in another second, and
    /// `None` when it may do so even in this one.
    fn time(
        &self,
        template: &Template,
        state: &mut DetectorState,
        line: &str,
        now: Wall,
    ) -> Result<(Wall, Option<bool>), Fault> {
        let DetectorState { scratch, local, .. } = state;
        let group = |group| {
            let (start, end) = scratch.group(group)?;
            line.get(start..end)
        };
        match &template.how {
            How::Epoch(number, long) => Ok((epoch(group(*number), *long)?, Some(false))),
            How::Tai64n => {
                let seconds = tai64n(group(1).unwrap_or(""))?;
                Ok((Wall::from_secs(seconds), Some(false)))
            }
            How::Fields(fields) => {
                let around = Around {
                    now,
                    zone: &self.zone,
                    default: self.default,
                };
                let fields = fields.iter().map(|&(field, number)| (field, group(number)));
                let time = read(&fields, &around, local)?;
                let relative = time.steady.then_some(!time.absolute);
                Ok((Wall::from_secs(time.at), relative))
            }
        }
    }

    /// Which template, by its place in the present order, matches; the groups are in the scratch.
    fn search(&self, state: &mut DetectorState, line: &str) -> Option<Hit> {
        let DetectorState { order, scratch, .. } = state;
        let template = |index: usize| &self.templates[order.number(index)];
        let mut ignored = None;
        let mut best: Option<(usize, Place)> = None;
        let hit = |index, place, stays| {
            Some(Hit {
                index,
                place,
                stays,
            })
        };
        if let Some(last) = order.last {
            let template = template(last);
            let matched = if template.anchored {
                ignored = Some(last);
                whole(template, line, scratch)
            } else if let Some((start, end)) = order.at_last_place(line) {
                template.program.search(&line[..end], start, scratch)
            } else {
                ignored = Some(last);
                whole(template, line, scratch)
            };
            if matched {
                let place = Place::of(line, scratch.group(0)?);
                let same = order.is_last_place(place);
                if self.templates.len() == 1 || template.anchored || same {
                    return hit(last, place, same && ignored.is_none());
                }
                best = Some((last, place));
                scratch.keep();
            }
        }
        for index in (0..self.templates.len()).filter(|&index| Some(index) != ignored) {
            let template = template(index);
            if !whole(template, line, scratch) {
                continue;
            }
            let place = Place::of(line, scratch.group(0)?);
            let last = index + 1 >= self.templates.len();
            // Elsewhere than before it may be a time in the message: something better may come.
            if !last && !template.anchored && order.is_further(index, place) {
                if best.is_none_or(|(_, best)| place.start < best.start) {
                    best = Some((index, place));
                    scratch.keep();
                }
                continue;
            }
            return hit(index, place, false);
        }
        let (index, place) = best?;
        scratch.recall();
        hit(index, place, false)
    }
}

/// A match.
struct Hit {
    /// The place of its template in the present order.
    index: usize,
    place: Place,
    /// It is where the last one was, and was looked for there.
    stays: bool,
}

fn whole(template: &Template, line: &str, scratch: &mut Scratch) -> bool {
    template.program.search(line, 0, scratch)
}
