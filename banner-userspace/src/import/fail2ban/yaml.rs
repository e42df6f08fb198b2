//! Configuration as banner reads it, written as people write it.

use std::fmt::Write as _;

use crate::filter::{FilterSpec, Stamps};

/// A jail of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OurJail {
    pub(super) name: String,
    pub(super) enabled: bool,
    pub(super) filter: String,
    /// In place of filter and logs: whose bans it counts, as it is written.
    pub(super) of: Option<String>,
    /// Items as they are written.
    pub(super) logs: Vec<String>,
    /// None: every port.
    pub(super) ports: Option<Vec<String>>,
    /// What differs from the defaults, key and value, in the order in which it is written.
    pub(super) policy: Vec<(&'static str, String)>,
    pub(super) ignore: Vec<String>,
    /// What people have to know, a line each.
    pub(super) comments: Vec<String>,
}

/// The main file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct OurMain {
    /// Where it comes from.
    pub(super) from: String,
    pub(super) ignore: Vec<String>,
    pub(super) ignore_names: Vec<String>,
    /// How packets are dropped, as it is written.
    pub(super) enforce: String,
    /// Who is told: names of targets and their values.
    pub(super) notify: Vec<(String, String)>,
    pub(super) defaults: Vec<(&'static str, String)>,
    pub(super) jails: Vec<OurJail>,
    pub(super) comments: Vec<String>,
}

/// Widest comment.
const WIDTH: usize = 100;

impl OurMain {
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        comment(
            &mut text,
            "",
            &format!("Made from {} by banner import.", self.from),
        );
        for line in &self.comments {
            comment(&mut text, "", line);
        }
        text.push_str("\ninterfaces: auto\n");
        let _ = writeln!(text, "enforce: {}", self.enforce);
        let _ = writeln!(text, "ignore: {}", list(&self.ignore));
        if !self.ignore_names.is_empty() {
            let _ = writeln!(text, "ignore_names: {}", list(&self.ignore_names));
        }
        if !self.defaults.is_empty() {
            let defaults = self.defaults.iter();
            let defaults: Vec<_> = defaults
                .map(|(key, value)| format!("{key}: {value}"))
                .collect();
            let _ = writeln!(text, "defaults: {{ {} }}", defaults.join(", "));
        }
        if !self.notify.is_empty() {
            text.push_str("\nnotify:\n");
        }
        for (name, value) in &self.notify {
            let _ = writeln!(text, "  {}: {value}", scalar(name));
        }
        if self.jails.is_empty() {
            text.push_str("\njails: {}\n");
            return text;
        }
        text.push_str("\njails:\n");
        for (at, jail) in self.jails.iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            jail.write(&mut text);
        }
        text
    }
}

impl OurJail {
    fn write(&self, text: &mut String) {
        for line in &self.comments {
            comment(text, "  ", line);
        }
        let _ = writeln!(text, "  {}:", scalar(&self.name));
        if !self.enabled {
            text.push_str("    enabled: false\n");
        }
        if let Some(of) = &self.of {
            let _ = writeln!(text, "    of: {of}");
        } else {
            let _ = writeln!(text, "    filter: {}", scalar(&self.filter));
            items(text, "    ", "logs", &self.logs);
        }
        if let Some(ports) = &self.ports {
            items(text, "    ", "ports", &written(ports));
        }
        for (key, value) in &self.policy {
            let _ = writeln!(text, "    {key}: {value}");
        }
        if !self.ignore.is_empty() {
            items(text, "    ", "ignore", &written(&self.ignore));
        }
    }
}

/// A filter file.
pub(super) fn filter(spec: &FilterSpec, comments: &[String]) -> String {
    let mut text = String::new();
    for line in comments {
        comment(&mut text, "", line);
    }
    let _ = writeln!(text, "description: {}", scalar(&spec.description));
    text.push_str("dialect: fail2ban\n");
    if let Some(prefilter) = &spec.prefilter {
        let _ = writeln!(text, "prefilter: {}", quoted(prefilter));
    }
    patterns(&mut text, "fail", &spec.fail);
    if !spec.ignore.is_empty() {
        patterns(&mut text, "ignore", &spec.ignore);
    }
    if spec.lines > 1 {
        let _ = writeln!(text, "lines: {}", spec.lines);
    }
    match &spec.stamps {
        Stamps::Known => {}
        Stamps::None => text.push_str("stamps: none\n"),
        Stamps::Patterns(stamps) => patterns(&mut text, "stamps", stamps),
    }
    if let Some(encoding) = &spec.encoding {
        let _ = writeln!(text, "encoding: {}", scalar(encoding));
    }
    if !spec.journal.is_empty() {
        patterns(&mut text, "journal", &spec.journal);
    }
    text
}

fn patterns(text: &mut String, key: &str, patterns: &[String]) {
    if patterns.is_empty() {
        let _ = writeln!(text, "{key}: []");
        return;
    }
    let _ = writeln!(text, "{key}:");
    for pattern in patterns {
        let _ = writeln!(text, "  - {}", quoted(pattern));
    }
}

/// A list on one line where it is short.
fn items(text: &mut String, indent: &str, key: &str, values: &[String]) {
    let line = format!("[{}]", values.join(", "));
    if indent.len() + key.len() + line.len() < WIDTH {
        let _ = writeln!(text, "{indent}{key}: {line}");
        return;
    }
    let _ = writeln!(text, "{indent}{key}:");
    for value in values {
        let _ = writeln!(text, "{indent}  - {value}");
    }
}

fn written(values: &[String]) -> Vec<String> {
    values.iter().map(|value| scalar(value)).collect()
}

/// Texts as a list on one line.
pub(super) fn list(values: &[String]) -> String {
    format!("[{}]", written(values).join(", "))
}

/// A comment, broken where it is long; line breaks in it are none.
fn comment(text: &mut String, indent: &str, line: &str) {
    let mut width = 0;
    for word in line.split(|c: char| c.is_whitespace() || c.is_control()) {
        if word.is_empty() {
            continue;
        }
        if width == 0 || width + word.len() >= WIDTH {
            if width > 0 {
                text.push('\n');
            }
            text.extend([indent, "#"]);
            width = indent.len() + 1;
        }
        text.extend([" ", word]);
        width += word.len() + 1;
    }
    if width > 0 {
        text.push('\n');
    }
}

/// A value without quotes where YAML takes it for a text, or for the number that it is.
pub(super) fn scalar(text: &str) -> String {
    let first = text.chars().next();
    let plain = first.is_some_and(|c| c.is_ascii_alphanumeric() || c == '/' || c == '_')
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-+ =".contains(c))
        && !text.ends_with(' ')
        && !is_special(text);
    if plain { text.to_owned() } else { quoted(text) }
}

/// What YAML takes for something else than a text where it stands without quotes. Ports may be
/// numbers; ranges, dates and numbers of other kinds are safe in quotes only.
fn is_special(text: &str) -> bool {
    let words = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let number = text.starts_with(|c: char| c.is_ascii_digit())
        && text.parse::<f64>().is_ok()
        && !text.bytes().all(|byte| byte.is_ascii_digit());
    let other = text.starts_with("0x") || text.starts_with("0o") || text.starts_with("0b");
    words.contains(&text.to_lowercase().as_str()) || number || other || leading_zero(text)
}

fn leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// In single quotes, where a backslash is a backslash; what cannot stand there in double quotes.
fn quoted(text: &str) -> String {
    // YAML takes these for line breaks, or not at all.
    let bare = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}');
    if text.chars().all(bare) {
        return format!("'{}'", text.replace('\'', "''"));
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            c if !bare(c) => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(yaml: &str) -> String {
        let values: Vec<serde_json::Value> = serde_yaml::from_str(yaml).unwrap();
        match &values[0] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    #[test]
    fn values_have_quotes_where_they_need_them() {
        for (text, expected) in [
            ("/var/log/auth.log", "/var/log/auth.log"),
            ("/var/log/*.log", "'/var/log/*.log'"),
            ("22", "22"),
            ("022", "'022'"),
            ("1e3", "'1e3'"),
            ("8000-8100", "8000-8100"),
            ("::1", "'::1'"),
            ("127.0.0.0/8", "127.0.0.0/8"),
            ("no", "'no'"),
            ("it's", "'it''s'"),
            ("a\tb\u{7}", "\"a\\tb\\u0007\""),
            ("", "''"),
        ] {
            assert_eq!(scalar(text), expected);
            assert_eq!(read(&list(&[text.to_owned()])), text);
        }
    }

    #[test]
    fn comments_are_broken_and_stay_comments() {
        let mut text = String::new();
        let word = "longer".repeat(4);
        comment(
            &mut text,
            "  ",
            &format!("{word} {word}\nkey: value {word} {word} {word}\r\u{85}x"),
        );
        assert!(text.lines().count() > 1);
        for line in text.lines() {
            assert!(line.starts_with("  # ") && line.len() <= WIDTH, "{line}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_read_as_it_was(text in any::<String>(), other in "[0-9a-zA-Z+._ :~-]{0,6}") {
            // A noncharacter has no place in YAML.
            let text = text.replace(['\u{fffe}', '\u{ffff}'], "");
            prop_assert_eq!(read(&format!("- {}\n", quoted(&text))), text);
            prop_assert_eq!(read(&format!("- {}\n", scalar(&other))), other);
        }
    }
}
