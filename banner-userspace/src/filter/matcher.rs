//! One pattern, in the engine that it needs.

use std::sync::{Arc, OnceLock};

use fancy_regex::BytesMode;
use regex_automata::{
    Anchored, Input,
    meta::{BuildError, Regex},
    util::{
        primitives::{NonMaxUsize, PatternID},
        syntax,
    },
};

use regex_syntax::hir::{Hir, Look};

use super::{
    groups::{Groups, Slots},
    linear::Linear,
    long::{LONG, Long, TooLong},
    python,
    sieve::{Pattern, Pieces, Required, required},
};

/// How many steps a backtracking pattern may take for one line.
pub(super) const STEPS: usize = 20_000;

/// How often as many where it may look back on lines: several together are the text then.
const LOOKING_BACK: usize = 10;

/// The longest text, in bytes, that a backtracking pattern looks at.
pub(super) const BACKTRACKING_TEXT: usize = 8192;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    engine: Engine,
    groups: Groups,
    /// What a linear pattern is made of.
    hir: Option<Hir>,
    /// What finds its groups in long texts; made when the first comes.
    long: OnceLock<Arc<Long>>,
    /// It is for text, and asks where words begin and end: of text that is not ASCII its automaton
    /// cannot tell.
    words: bool,
    unicode: bool,
    /// Its text, in the syntax of its engine.
    text: String,
    /// Why it needs the backtracking engine.
    slow: Option<String>,
}

#[derive(Clone, Debug)]
enum Engine {
    /// Time linear in the length of the text.
    Linear(Linear),
    /// For look-around, back-references and conditionals.
    Backtracking(Box<fancy_regex::Regex>),
}

/// A pattern ran out of steps, or was not tried on a text that is too long for it, so that no line takes
/// longer than a millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Exhausted;

/// How a pattern is to be understood.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Syntax {
    /// Text, not bytes.
    pub(super) unicode: bool,
    /// `^` and `$` match at every line break.
    pub(super) multi_line: bool,
    /// It needs the backtracking engine.
    pub(super) backtracking: bool,
    /// How much text it sees.
    pub(super) extent: Extent,
}

/// How much text a pattern sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Extent {
    /// One line.
    #[default]
    Line,
    /// That, and lines before it.
    Lines,
}

impl Extent {
    /// With this many lines, the latest last.
    pub(super) fn of(lines: usize) -> Self {
        if lines > 1 { Self::Lines } else { Self::Line }
    }
}

impl Syntax {
    fn config(self) -> syntax::Config {
        syntax::Config::new()
            .unicode(self.unicode)
            .utf8(self.unicode)
            .multi_line(self.multi_line)
    }
}

impl Matcher {
    pub(super) fn new(text: &str, syntax: Syntax) -> Result<Self, String> {
        let (engine, hir) = if syntax.backtracking {
            let regex = backtracking(text, syntax)?;
            (Engine::Backtracking(Box::new(regex)), None)
        } else {
            let hir = parsed(text, syntax)?;
            let config = Regex::config().utf8_empty(syntax.unicode);
            let linear = Linear::new(&[&hir], syntax.unicode, &config);
            (
                Engine::Linear(linear.map_err(|why| reason(&why))?),
                Some(hir),
            )
        };
        let groups = match &engine {
            Engine::Linear(regex) => {
                Groups::named(regex.any().group_info().pattern_names(PatternID::ZERO))
            }
            Engine::Backtracking(regex) => Groups::named(regex.capture_names()),
        };
        let looks = |hir: &Hir| hir.properties().look_set().contains_word_unicode();
        Ok(Self {
            words: hir.as_ref().is_some_and(looks),
            unicode: syntax.unicode,
            long: OnceLock::new(),
            engine,
            groups,
            hir,
            text: text.to_owned(),
            slow: syntax
                .backtracking
                .then(|| "look-around or a back-reference".into()),
        })
    }

    /// A pattern of fail2ban's dialect.
    pub(super) fn translated(text: &str, options: python::Options) -> Result<Self, String> {
        let translated = python::translate(text, options).map_err(|why| why.to_string())?;
        let syntax = Syntax {
            unicode: true,
            backtracking: matches!(translated.engine, python::Engine::Backtracking { .. }),
            extent: if options.one_line {
                Extent::Line
            } else {
                Extent::Lines
            },
            ..Syntax::default()
        };
        let mut matcher = Self::new(&translated.pattern, syntax)?;
        let names = translated.groups.into_iter();
        let names =
            names.filter_map(|group| Some((group.slots.into(), group.name?.as_str().into())));
        let count = matcher.groups.count;
        matcher.groups = Groups::new(count, names.collect(), translated.beyond.into());
        if let python::Engine::Backtracking { why } = translated.engine {
            matcher.slow = Some(why);
        }
        Ok(matcher)
    }

    /// A pattern of banner's own dialect: it gets the engine that it needs.
    pub(super) fn native(text: &str, syntax: Syntax) -> Result<Self, String> {
        let linear = Self::new(text, syntax);
        let Err(why) = linear else { return linear };
        let syntax = Syntax {
            backtracking: true,
            ..syntax
        };
        Self::new(text, syntax).map_err(|_| why)
    }

    /// Why a text can make it slow; none: it cannot.
    pub(super) fn slow(&self) -> Option<&str> {
        self.slow.as_deref()
    }

    /// What it is made of, if it is linear.
    pub(super) fn hir(&self) -> Option<&Hir> {
        self.hir.as_ref()
    }

    /// Whether it is a pattern for text, not for bytes.
    pub(super) fn is_for_text(&self) -> bool {
        self.unicode
    }

    /// Whether every match begins where the text does.
    pub(super) fn is_anchored(&self) -> bool {
        let start = |hir: &Hir| hir.properties().look_set_prefix().contains(Look::Start);
        self.hir.as_ref().is_some_and(start)
    }

    /// The literals of which every match has one.
    pub(super) fn required(&self, pieces: Pieces) -> Option<Required> {
        if let Some(hir) = &self.hir {
            return required(&Pattern::Linear(hir), pieces);
        }
        let tree = fancy_regex::Expr::parse_tree(&self.text).ok()?;
        required(&Pattern::Backtracking(&tree.expr), pieces)
    }

    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Whether it would take long to look whether a text matches. The groups of a match are a question
    /// of their own.
    pub(super) fn is_slow_for(&self, text: &[u8]) -> bool {
        self.words && text.len() > LONG && !text.is_ascii()
    }

    pub(super) fn is_match(&self, text: &[u8]) -> Result<bool, Exhausted> {
        match &self.engine {
            Engine::Linear(_) if self.is_slow_for(text) => Err(Exhausted),
            Engine::Linear(regex) => Ok(regex.of(text).is_match(text)),
            Engine::Backtracking(regex) => {
                fits(text)?;
                regex.is_match(text).map_err(|_| Exhausted)
            }
        }
    }

    /// Where a match ends. For linear patterns this is the cheapest question but one.
    pub(super) fn end(&self, text: &[u8]) -> Option<usize> {
        match &self.engine {
            Engine::Linear(regex) => {
                let found = regex.of(text).search_half(&Input::new(text))?;
                Some(found.offset())
            }
            Engine::Backtracking(regex) => Some(regex.find(text).ok()??.end()),
        }
    }

    /// Searches in a part of a text; on a match `slots` says where.
    pub(super) fn search_input(
        &self,
        input: &Input<'_>,
        slots: &mut Slots,
    ) -> Result<bool, Exhausted> {
        slots.clear();
        slots.resize(self.groups.count * 2, None);
        match &self.engine {
            Engine::Linear(regex) => self.search_linear(regex, input, slots),
            Engine::Backtracking(_) => self.search(input.haystack(), slots),
        }
    }

    /// Searches `text`; on a match `slots` says where.
    pub(super) fn search(&self, text: &[u8], slots: &mut Slots) -> Result<bool, Exhausted> {
        slots.clear();
        slots.resize(self.groups.count * 2, None);
        match &self.engine {
            Engine::Linear(regex) => self.search_linear(regex, &Input::new(text), slots),
            Engine::Backtracking(regex) => {
                fits(text)?;
                let Some(found) = regex.captures(text).map_err(|_| Exhausted)? else {
                    return Ok(false);
                };
                for (group, pair) in slots.chunks_exact_mut(2).enumerate() {
                    if let (Some(part), [start, end]) = (found.get(group), pair) {
                        *start = NonMaxUsize::new(part.start());
                        *end = NonMaxUsize::new(part.end());
                    }
                }
                Ok(true)
            }
        }
    }

    fn search_linear(
        &self,
        regex: &Linear,
        input: &Input<'_>,
        slots: &mut Slots,
    ) -> Result<bool, Exhausted> {
        let regex = regex.of(input.haystack());
        if input.get_span().len() <= LONG {
            return Ok(regex.search_slots(input, slots).is_some());
        }
        if self.is_slow_for(input.haystack()) {
            return Err(Exhausted);
        }
        let Some(found) = regex.search(input) else {
            return Ok(false);
        };
        let part = input.clone().span(found.range()).anchored(Anchored::Yes);
        if found.len() <= LONG {
            return Ok(regex.search_slots(&part, slots).is_some());
        }
        let Some(hir) = &self.hir else {
            return Ok(regex.search_slots(&part, slots).is_some());
        };
        let long = self
            .long
            .get_or_init(|| Arc::new(Long::new(hir, self.unicode)));
        long.search(&part, slots).map_err(|TooLong| Exhausted)
    }
}

/// What a pattern is made of.
pub(super) fn parsed(text: &str, syntax: Syntax) -> Result<Hir, String> {
    syntax::parse_with(text, &syntax.config()).map_err(|why| why.to_string())
}

fn fits(text: &[u8]) -> Result<(), Exhausted> {
    if text.len() > BACKTRACKING_TEXT {
        return Err(Exhausted);
    }
    Ok(())
}

/// Why a pattern cannot be compiled.
fn reason(why: &BuildError) -> String {
    match why.size_limit() {
        Some(limit) => format!("larger than {limit} bytes when it is compiled"),
        None => why.to_string(),
    }
}

fn backtracking(text: &str, syntax: Syntax) -> Result<fancy_regex::Regex, String> {
    let mode = if syntax.unicode {
        BytesMode::Unicode
    } else {
        BytesMode::Ascii
    };
    let steps = match syntax.extent {
        Extent::Line => STEPS,
        Extent::Lines => STEPS * LOOKING_BACK,
    };
    fancy_regex::RegexBuilder::new(text)
        .multi_line(syntax.multi_line)
        .bytes_mode(mode)
        .backtrack_limit(steps)
        .build()
        .map_err(|why| why.to_string())
}
