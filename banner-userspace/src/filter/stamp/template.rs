//! What a stamp looks like, ready to be searched for: one for each form, in fail2ban's order.

use super::{
    known::{BEFORE_EPOCH, EPOCH, Form, KNOWN, Known, LINE, LONG_EPOCH, TAI64N},
    notation::{Begin, Bounded, Decades, bound, expand},
    pattern::{LEFT, Program, RIGHT},
    reading::Field,
};

/// How what was found is read.
#[derive(Clone, Debug)]
pub(super) enum How {
    /// By its fields, and the groups that they are.
    Fields(Vec<(Field, usize)>),
    /// As seconds since 1970: this group; whether it may be smaller units.
    Epoch(usize, bool),
    Tai64n,
}

/// A form of stamps.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// For people.
    pub(super) name: String,
    /// Two with the same key are the same.
    key: String,
    pub(super) program: Program,
    pub(super) how: How,
    /// It stands at the beginning or the end of a line.
    pub(super) anchored: bool,
    /// It stands at the beginning of a line.
    begins_line: bool,
    /// What a hit counts.
    pub(super) weight: f64,
}

/// Collects the templates of a detector.
#[derive(Debug)]
pub(super) struct Templates {
    decades: Decades,
    pub(super) all: Vec<Template>,
}

impl Templates {
    pub(super) fn new(decades: Decades) -> Self {
        Self {
            decades,
            all: Vec::new(),
        }
    }

    /// Adds what one pattern stands for.
    pub(super) fn add(&mut self, pattern: &str) -> Result<(), String> {
        if pattern.contains([LEFT, RIGHT]) {
            return Err("characters of private use".into());
        }
        let key = key(pattern);
        match key.as_str() {
            "{^LN-BEG}" => self.add_known(true),
            // As in fail2ban, it adds nothing to others; alone it stands for all.
            "{DEFAULT}" => Ok(()),
            _ if key.contains("{DATE}") => self.add_dates(pattern),
            "{NONE}" => {
                let template = self.template("{UNB}^", pattern)?;
                self.push(template)
            }
            _ => {
                let template = self.template(pattern, pattern)?;
                self.push(template)
            }
        }
    }

    /// Adds the known forms, or those that stand at the beginning of a line.
    pub(super) fn add_known(&mut self, begins_line: bool) -> Result<(), String> {
        let fresh = self.all.is_empty();
        let mut plain = Vec::new();
        for known in KNOWN {
            plain.push(self.known(known, None)?);
        }
        // Each of those that may stand anywhere is tried at the beginning of the line first.
        let mut all = Vec::new();
        for known in KNOWN {
            let anchored = matches!(known.form, Form::Pattern(pieces)
                if pieces.concat().starts_with(['{', '^']));
            if !anchored {
                let mut double = self.known(known, Some(LINE))?;
                double.weight = 100.0;
                all.push(double);
            }
        }
        all.append(&mut plain);
        for template in all {
            if !begins_line || template.begins_line {
                self.push_unless(template, !fresh)?;
            }
        }
        Ok(())
    }

    /// Adds the known forms, each in the place of `{DATE}`.
    fn add_dates(&mut self, pattern: &str) -> Result<(), String> {
        let fresh = self.all.is_empty();
        for known in KNOWN {
            let text = match known.form {
                Form::Pattern(pieces) => {
                    let text = pieces.concat();
                    String::from(text.strip_prefix(LINE).unwrap_or(&text))
                }
                Form::Epoch => "Epoch".into(),
                Form::Tai64n => "TAI64N".into(),
            };
            let name = replace(pattern, "{DATE}", known.name);
            let template = self.template(&replace(pattern, "{DATE}", &text), &name)?;
            self.push_unless(template, !fresh)?;
        }
        Ok(())
    }

    fn push(&mut self, template: Template) -> Result<(), String> {
        self.push_unless(template, false)
    }

    fn push_unless(&mut self, template: Template, known: bool) -> Result<(), String> {
        if self.all.iter().any(|other| other.key == template.key) {
            return if known {
                Ok(())
            } else {
                Err(format!("{} stands there twice", template.name))
            };
        }
        self.all.push(template);
        Ok(())
    }

    fn known(&self, known: &Known, prefix: Option<&str>) -> Result<Template, String> {
        let text = match known.form {
            Form::Pattern(pieces) => pieces.concat(),
            Form::Epoch => "EPOCH".into(),
            Form::Tai64n => "TAI64N".into(),
        };
        self.template(&[prefix.unwrap_or(""), &text].concat(), known.name)
    }

    /// The template of one pattern, of any kind.
    fn template(&self, pattern: &str, name: &str) -> Result<Template, String> {
        let key = key(pattern);
        if key.contains("EPOCH") {
            let long = key.contains("LEPOCH");
            // One kind for all that stand in it.
            let digits = if long { LONG_EPOCH } else { EPOCH };
            let group = format!("({digits})");
            let replaced = replace(&replace(pattern, "{LEPOCH}", &group), "{EPOCH}", &group);
            if replaced != pattern {
                let bounded = bound(&format!("({replaced})"), Begin::Word, true);
                return finish(name, pattern.into(), &bounded, How::Epoch(2, long));
            }
            let bare = key.strip_prefix(LINE).or(key.strip_prefix('^'));
            if matches!(bare.unwrap_or(&key), "EPOCH" | "LEPOCH") {
                let (text, begin) = match bare {
                    Some(_) => (format!("({digits})"), Begin::Line),
                    None => (format!("({BEFORE_EPOCH}{digits})"), Begin::Free),
                };
                let key = if long { "LEPOCH" } else { "EPOCH" };
                let key = [if bare.is_some() { LINE } else { "" }, key].concat();
                return finish(name, key, &bound(&text, begin, true), How::Epoch(1, long));
            }
        }
        let bare = key.strip_prefix(LINE).or(key.strip_prefix('^'));
        if bare.unwrap_or(&key) == "TAI64N" {
            let begin = if bare.is_some() {
                Begin::Line
            } else {
                Begin::Free
            };
            let key = [if bare.is_some() { LINE } else { "" }, "TAI64N"].concat();
            return finish(name, key, &bound(TAI64N, begin, true), How::Tai64n);
        }
        let (mut text, mut begin, mut end) = (pattern, Begin::Word, true);
        if let Some(rest) = text.strip_prefix("{UNB}") {
            (text, begin, end) = (rest, Begin::Free, false);
        } else if let Some(rest) = text.strip_prefix(LINE) {
            (text, begin) = (rest, Begin::Line);
        }
        let bounded = bound(&expand(text, &self.decades)?, begin, end);
        let key = [if bounded.line { LINE } else { "" }, text].concat();
        finish(name, key, &bounded, How::Fields(Vec::new()))
    }
}

fn finish(name: &str, key: String, bounded: &Bounded, how: How) -> Result<Template, String> {
    let program = Program::new(&bounded.text)?;
    if program.groups() < 2 {
        return Err("no group says what the stamp is: put brackets around it".into());
    }
    let how = match how {
        How::Epoch(group, _) if group >= program.groups() => {
            return Err("no group is the seconds".into());
        }
        How::Fields(_) => How::Fields(
            program
                .names()
                .iter()
                .filter_map(|(name, group)| Some((Field::named(name)?, *group)))
                .collect(),
        ),
        how => how,
    };
    Ok(Template {
        name: name.into(),
        key,
        program,
        how,
        anchored: bounded.anchored,
        begins_line: bounded.begins_line,
        weight: 1.0,
    })
}

/// A pattern without fields is known in capitals.
fn key(pattern: &str) -> String {
    if pattern.contains('%') {
        pattern.into()
    } else {
        pattern.to_uppercase()
    }
}

/// Replaces `what`, in capitals or not, unless a backslash stands before it.
fn replace(pattern: &str, what: &str, with: &str) -> String {
    let upper = pattern.to_ascii_uppercase();
    let mut text = String::new();
    let mut done = 0;
    for (at, _) in upper.match_indices(what) {
        if !pattern[..at].ends_with('\\') {
            text.push_str(&pattern[done..at]);
            text.push_str(with);
            done = at + what.len();
        }
    }
    text.push_str(&pattern[done..]);
    text
}
