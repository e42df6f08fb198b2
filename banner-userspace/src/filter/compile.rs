//! From what a filter file says to a filter that can be asked.

use super::{
    Filter,
    choice::Choice,
    decode::Decoder,
    engine::Judge,
    fail2ban::{self, Fail2ban},
    matcher::{Extent, Matcher, Syntax},
    native::{Native, Pattern, Prefix, ignore_pattern},
    python,
    sieve::{Pieces, Required, better},
    spec::{Dialect, FilterError, FilterSpec, Part, Prefixes, Stamps},
    stamp::{self, StampForms},
};

impl Filter {
    /// Compiles what a filter file says.
    ///
    /// # Errors
    /// All that is wrong with it, each with its place.
    pub fn compile(spec: &FilterSpec, prefixes: &Prefixes) -> Result<Self, Vec<FilterError>> {
        let mut errors = Errors(Vec::new());
        if spec.fail.is_empty() {
            errors.add(
                Part::Fail(0),
                "a filter needs at least one pattern under fail",
            );
        }
        let judge = match spec.dialect {
            Dialect::Banner => Some(Judge::Native(Box::new(native(spec, prefixes, &mut errors)))),
            Dialect::Fail2ban => {
                fail2ban(spec, &mut errors).map(|judge| Judge::Fail2ban(Box::new(judge)))
            }
        };
        match judge {
            Some(judge) if errors.0.is_empty() => Ok(Self {
                required: literals(&judge),
                judge,
                spec: spec.clone(),
            }),
            _ => Err(errors.0),
        }
    }
}

/// What was found wrong so far.
struct Errors(Vec<FilterError>);

impl Errors {
    fn add(&mut self, part: Part, message: impl Into<String>) {
        let message = message.into();
        self.0.push(FilterError { part, message });
    }

    fn keep<T>(&mut self, part: Part, result: Result<T, String>) -> Option<T> {
        result.map_err(|message| self.add(part, message)).ok()
    }
}

fn native(spec: &FilterSpec, prefixes: &Prefixes, errors: &mut Errors) -> Native {
    let syntax = Syntax {
        multi_line: spec.lines > 1,
        extent: Extent::of(spec.lines),
        ..Syntax::default()
    };
    let forms = match &spec.stamps {
        Stamps::Patterns(patterns) => StampForms::new(patterns)
            .map_err(|(n, why)| errors.add(Part::Stamp(n), why))
            .ok(),
        Stamps::Known | Stamps::None => None,
    };
    let stamp = forms.as_ref().map_or(stamp::PATTERN, StampForms::pattern);
    let prefilter = spec.prefilter.as_ref().and_then(|text| {
        errors.keep(
            Part::Prefilter,
            Pattern::new(text, Syntax::default(), stamp),
        )
    });
    let outside = prefilter.as_ref().is_some_and(Pattern::tells);
    let fail: Vec<Pattern> = (spec.fail.iter().enumerate())
        .filter_map(|(n, text)| {
            let pattern = errors.keep(Part::Fail(n), Pattern::new(text, syntax, stamp))?;
            if !outside && !pattern.tells() {
                errors.add(Part::Fail(n), "no <HOST> in it, so nobody could be banned");
            }
            Some(pattern)
        })
        .collect();
    let ignore: Vec<Matcher> = (spec.ignore.iter().enumerate())
        .filter_map(|(n, text)| errors.keep(Part::Ignore(n), ignore_pattern(text, syntax, stamp)))
        .collect();
    let prefix = Prefix::compile(spec, prefixes, stamp).unwrap_or_else(|error| {
        errors.0.push(error);
        None
    });
    let somewhere = prefix.as_ref().is_some_and(Prefix::has_stamp)
        || fail.iter().chain(&prefilter).any(Pattern::has_stamp);
    if forms.is_some() && !somewhere && errors.0.is_empty() {
        errors.add(
            Part::Stamp(0),
            "nothing says where such a stamp stands: neither the prefix nor a pattern has <STAMP>",
        );
    }
    let decoder = (spec.encoding.as_deref())
        .and_then(|label| errors.keep(Part::Encoding, Decoder::named(label)))
        .filter(|decoder| *decoder != Decoder::Utf8);
    let sessions = (fail.iter().chain(&prefilter)).any(|pattern| pattern.session.is_some());
    let choice = Choice::new(fail.iter().map(|pattern| &pattern.matcher));
    Native {
        choice,
        prefix,
        prefilter,
        fail,
        ignore,
        lines: spec.lines,
        decoder,
        forms,
        sessions,
    }
}

/// The groups by which fail2ban tells somebody.
const TELLING: [&str; 5] = ["fid", "ip4", "ip6", "dns", "mlfid"];

fn fail2ban(spec: &FilterSpec, errors: &mut Errors) -> Option<Fail2ban> {
    for (part, given) in [(Part::Prefix, &spec.prefix), (Part::Program, &spec.program)] {
        if given.is_some() {
            errors.add(
                part,
                "fail2ban's dialect has none: it stands in the patterns",
            );
        }
    }
    let several = spec.lines > 1;
    let options = python::Options {
        one_line: !several,
        named_only: true,
        ..python::Options::default()
    };
    let prefilter = (spec.prefilter.as_ref())
        .and_then(|text| errors.keep(Part::Prefilter, Matcher::translated(text, options)));
    let tells = |matcher: &Matcher| TELLING.iter().any(|name| matcher.groups().has(name));
    let outside = prefilter.as_ref().is_some_and(tells);
    let of_fail = python::Options {
        multiline: several,
        ..options
    };
    let fail: Vec<Matcher> = (spec.fail.iter().enumerate())
        .filter_map(|(n, text)| {
            let matcher = errors.keep(Part::Fail(n), Matcher::translated(text, of_fail))?;
            if !outside && !tells(&matcher) {
                errors.add(Part::Fail(n), "no <HOST> in it, so nobody could be banned");
            }
            Some(matcher)
        })
        .collect();
    let ignore: Vec<Matcher> = (spec.ignore.iter().enumerate())
        .filter_map(|(n, text)| errors.keep(Part::Ignore(n), Matcher::translated(text, options)))
        .collect();
    let decoder = spec.encoding.as_deref().map(Decoder::named);
    let decoder = match decoder {
        Some(decoder) => errors.keep(Part::Encoding, decoder)?,
        None => Decoder::Utf8,
    };
    let forms = fail2ban::Forms::new(&spec.stamps)
        .map_err(|error| errors.0.push(error))
        .ok()?;
    let choice = Choice::new(fail.iter());
    Some(Fail2ban {
        choice,
        prefilter,
        fail,
        ignore,
        lines: spec.lines,
        decoder,
        forms,
    })
}

/// What a line must contain to say something to a filter: the patterns' literals, or what the
/// prefilter must have where that is better or some pattern has none.
fn literals(judge: &Judge) -> Option<Required> {
    let (lines, pieces, prefilter, fail): (_, _, _, Vec<&Matcher>) = match judge {
        Judge::Native(native) => (
            native.lines,
            if native.decoder.is_some() {
                Pieces::Ascii
            } else {
                Pieces::Whole
            },
            native.prefilter.as_ref().map(|pattern| &pattern.matcher),
            native.fail.iter().map(|pattern| &pattern.matcher).collect(),
        ),
        Judge::Fail2ban(judge) => (
            judge.lines,
            Pieces::Cut,
            judge.prefilter.as_ref(),
            judge.fail.iter().collect(),
        ),
    };
    if lines > 1 {
        return None;
    }
    let all: Option<Vec<Required>> = fail
        .iter()
        .map(|matcher| matcher.required(pieces))
        .collect();
    better(
        all.map(|sets| sets.concat()),
        prefilter.and_then(|matcher| matcher.required(pieces)),
    )
}
