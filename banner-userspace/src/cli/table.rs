//! Aligned columns.

/// Lines of cells, each column as wide as its widest cell; the last one is not filled up.
pub(super) fn aligned(lines: &[Vec<String>]) -> String {
    let columns = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines
            .iter()
            .filter_map(|cells| cells.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    let widths: Vec<_> = (0..columns)
        .map(|column| width(column).unwrap_or(0))
        .collect();
    let mut text = String::new();
    for cells in lines {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(&widths) {
            line.extend([&*format!("{cell:width$}"), "  "]);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Text from outside, safe for a terminal: control characters are escaped.
pub(super) fn escaped(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escape = c.is_control().then(|| c.escape_debug());
            let plain = escape.is_none().then_some(c);
            escape.into_iter().flatten().chain(plain)
        })
        .collect()
}

/// The same for text of several lines, which stay lines.
pub(super) fn escaped_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(escaped).collect();
    lines.join("\n")
}

/// As JSON, for a terminal, too: JSON itself lets DEL and the control characters of ISO 6429's C1
/// set through.
pub(super) fn json(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(without_controls(serde_json::to_string_pretty(value)?))
}

/// The same on one line.
pub(super) fn json_line(value: &impl serde::Serialize) -> serde_json::Result<String> {
    Ok(without_controls(serde_json::to_string(value)?))
}

/// Line breaks stay: JSON has them between values only.
fn without_controls(json: String) -> String {
    let wrong = |c: char| c.is_control() && c != '\n';
    if !json.contains(wrong) {
        return json;
    }
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if wrong(c) {
            safe.extend(["\\u", &format!("{:04x}", u32::from(c))]);
        } else {
            safe.push(c);
        }
    }
    safe
}

/// `1d 2h`, `3m 4s`, `5s`: the two largest units.
pub(super) fn duration(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")];
    let mut rest = seconds;
    let mut words = Vec::new();
    for (length, unit) in units {
        if rest >= length {
            words.push(format!("{}{unit}", rest / length));
            rest %= length;
        }
    }
    words.truncate(2);
    if words.is_empty() {
        "0s".into()
    } else {
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let cell = |text: &str| text.to_owned();
        let lines = [
            vec![cell("a"), cell("bcd")],
            vec![cell("äöü"), cell(""), cell("x")],
        ];
        assert_eq!(aligned(&lines), "a    bcd\näöü       x\n");
    }

    #[test]
    fn control_characters_are_escaped() {
        assert_eq!(escaped("a\u{1b}[2J\n\u{9b}ü\\"), "a\\u{1b}[2J\\n\\u{9b}ü\\");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(escaped_lines("a\r\nb\u{1b}\n"), "a\\r\nb\\u{1b}\n");
    }

    #[test]
    fn json_means_the_same_without_control_characters() {
        let text = "a\u{1b}\u{7f}\u{9b}2J\n\u{fc}";
        let json = json(&text).unwrap();
        assert!(!json.chars().any(char::is_control), "{json:?}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        assert_eq!(json_line(&text).unwrap(), json);
        assert_eq!(json_line(&["a", "b"]).unwrap(), r#"["a","b"]"#);
    }

    #[test]
    fn durations_have_two_units() {
        for (seconds, text) in [(0, "0s"), (59, "59s"), (61, "1m 1s"), (93_784, "1d 2h")] {
            assert_eq!(duration(seconds), text);
        }
    }
}
