//! Subjects and bodies: text with placeholders such as `%{address}`.

use std::fmt;

/// What a placeholder can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// The name of the machine.
    Hostname,
    /// `ban`, `unban`, `start`, `stop`, `problem`, `solved`, `digest`.
    Event,
    /// What happened, in a few words.
    Summary,
    /// When, as in `2026-11-20T12:00:00+01:00`.
    At,
    /// The jail.
    Jail,
    /// The address or prefix.
    Address,
    /// Who offended.
    Host,
    /// The ports, as in `tcp/22`, or `all`.
    Ports,
    /// The number of failures.
    Failures,
    /// How long, as in `1h`, or `permanent`.
    Time,
    /// A line for each thing to know; several lines.
    Details,
    /// The matched lines of the log, or what a digest holds; several lines, or none.
    Lines,
    /// What `whois` says of the address; several lines, or none.
    Whois,
}

impl Field {
    /// All of them, by their names.
    pub const ALL: [(&'static str, Self); 13] = [
        ("hostname", Self::Hostname),
        ("event", Self::Event),
        ("summary", Self::Summary),
        ("at", Self::At),
        ("jail", Self::Jail),
        ("address", Self::Address),
        ("host", Self::Host),
        ("ports", Self::Ports),
        ("failures", Self::Failures),
        ("time", Self::Time),
        ("details", Self::Details),
        ("lines", Self::Lines),
        ("whois", Self::Whois),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, field)| *field == self);
        named.map_or("", |(name, _)| name)
    }

    /// Whether it stands for several lines.
    pub fn is_block(self) -> bool {
        matches!(self, Self::Details | Self::Lines | Self::Whois)
    }
}

/// A text with placeholders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(Field),
}

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// `%{` without `}`.
    Open,
    /// No such placeholder.
    Unknown(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("%{ without }"),
            Self::Unknown(name) => {
                let names: Vec<_> = Field::ALL.iter().map(|(name, _)| *name).collect();
                write!(
                    f,
                    "there is no placeholder %{{{}}}; there are {}",
                    super::text::shown(name, 40),
                    names.join(", ")
                )
            }
        }
    }
}

impl std::error::Error for TemplateError {}

impl Template {
    /// Reads a text: `%{name}` stands for a [`Field`], everything else for itself.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("%{") {
            let (name, behind) = after.split_once('}').ok_or(TemplateError::Open)?;
            let known = Field::ALL.iter().find(|(known, _)| *known == name);
            let (_, field) = known.ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Field(*field));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The text with what each placeholder stands for. That is not looked at for placeholders.
    pub fn fill(&self, mut value: impl FnMut(Field) -> String) -> String {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Field(field) => text.push_str(&value(*field)),
            }
        }
        text
    }

    /// Whether it has a placeholder.
    pub fn has(&self, field: Field) -> bool {
        self.0.contains(&Part::Field(field))
    }

    /// The first placeholder that stands for several lines.
    pub fn block(&self) -> Option<Field> {
        self.0.iter().find_map(|part| match part {
            Part::Field(field) if field.is_block() => Some(*field),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn placeholders_are_filled_once() {
        let template = Template::parse("%{jail}: 100% {x} %{address}%{jail}").unwrap();
        let text = template.fill(|field| match field {
            Field::Jail => "%{address}".into(),
            _ => "B".into(),
        });
        assert_eq!(text, "%{address}: 100% {x} B%{address}");
        assert!(template.has(Field::Jail) && !template.has(Field::Whois));
    }

    #[test]
    fn what_is_no_placeholder_is_refused() {
        assert_eq!(Template::parse("a %{jail"), Err(TemplateError::Open));
        let unknown = Template::parse("a %{ip}").unwrap_err();
        assert_eq!(unknown, TemplateError::Unknown("ip".into()));
        assert!(unknown.to_string().contains("address"), "{unknown}");
        let block = Template::parse("%{jail} %{lines}").unwrap().block();
        assert_eq!(block, Some(Field::Lines));
    }

    proptest! {
        #[test]
        fn a_text_without_placeholders_stays_as_it_is(text in "[^%]*") {
            let template = Template::parse(&text).unwrap();
            prop_assert_eq!(template.fill(|_| "x".into()), text);
        }
    }
}
