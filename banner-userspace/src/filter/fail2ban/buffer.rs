//! The lines that a pattern over several lines sees.

/// A line in three parts: what stands before its stamp, the stamp, and the rest. Patterns see the
/// first and the last, joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) before: String,
    pub(super) stamp: String,
    pub(super) behind: String,
}

impl Parts {
    fn shown(&self) -> String {
        [self.before.as_str(), self.behind.as_str()].concat()
    }
}

/// Writes what patterns see of these lines: without stamps, each with a line break.
pub(super) fn join(lines: &[Parts], text: &mut String) {
    text.clear();
    for (n, line) in lines.iter().enumerate() {
        if n > 0 {
            text.push('\n');
        }
        text.push_str(&line.before);
        text.push_str(&line.behind);
    }
    text.push('\n');
}

/// Which lines took part in a match, and which are left for later ones.
#[derive(Debug, Default)]
pub(super) struct Divided {
    pub(super) matched: Vec<Parts>,
    pub(super) left: Vec<Parts>,
}

/// Divides `lines` by a match at `start..end` of `text`, which is what [`join`] gave for them or for
/// what took their place; `skipped` is what a pattern passed over in between.
pub(super) fn divide(
    lines: &[Parts],
    text: &str,
    start: usize,
    end: usize,
    skipped: &str,
) -> Divided {
    if lines.len() <= 1 {
        return Divided {
            matched: lines.to_vec(),
            left: Vec::new(),
        };
    }
    let bytes = text.as_bytes();
    let breaks = |to: usize| memchr::memchr_iter(b'\n', bytes.get(..to).unwrap_or(bytes)).count();
    let before = bytes.get(..=start).unwrap_or(bytes);
    let first = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
    // An empty match at the very beginning reaches to the last line break.
    let from = end.checked_sub(1).unwrap_or(text.len().saturating_sub(1));
    let last = (bytes.get(from..))
        .and_then(|rest| memchr::memchr(b'\n', rest))
        .map_or(text.len(), |at| from + at + 1);
    let (first, last) = (breaks(first), breaks(last));
    let first = first.min(lines.len());
    let last = last.clamp(first, lines.len());
    let mut matched = lines[first..last].to_vec();
    let mut left = lines[..first].to_vec();
    let mut from = 0;
    for line in python_lines(skipped) {
        let rest = matched.get(from..).unwrap_or_default();
        if let Some(at) = rest.iter().position(|known| known.shown() == line) {
            left.push(matched.remove(from + at));
            from += at;
        }
    }
    left.extend_from_slice(&lines[last..]);
    Divided { matched, left }
}

/// Lines as Python divides a text into them: by more characters than LF and CR LF.
fn python_lines(text: &str) -> Vec<&str> {
    let is_break = |c: char| {
        matches!(
            c,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{1c}'
                ..='\u{1e}' | '\u{85}' | '\u{2028}' | '\u{2029}'
        )
    };
    let mut lines = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(is_break) {
        lines.push(&rest[..at]);
        let mut behind = rest[at..].chars();
        if behind.next() == Some('\r') && behind.as_str().starts_with('\n') {
            behind.next();
        }
        rest = behind.as_str();
    }
    if !rest.is_empty() {
        lines.push(rest);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Parts {
        Parts {
            behind: text.into(),
            ..Parts::default()
        }
    }

    fn texts(lines: &[Parts]) -> Vec<String> {
        lines.iter().map(Parts::shown).collect()
    }

    #[test]
    fn a_match_takes_its_lines_and_leaves_the_others() {
        let lines: Vec<Parts> = ["a", "b", "x", "c", "d"].map(line).to_vec();
        let mut text = String::new();
        join(&lines, &mut text);
        assert_eq!(text, "a\nb\nx\nc\nd\n");
        let divided = divide(&lines, &text, 2, 7, "");
        assert_eq!(texts(&divided.matched), ["b", "x", "c"]);
        assert_eq!(texts(&divided.left), ["a", "d"]);
        let divided = divide(&lines, &text, 2, 7, "x\n");
        assert_eq!(texts(&divided.matched), ["b", "c"]);
        assert_eq!(texts(&divided.left), ["a", "x", "d"]);
        // The line break at the end of a match belongs to its line.
        let divided = divide(&lines, &text, 2, 8, "");
        assert_eq!(texts(&divided.matched), ["b", "x", "c"]);
    }

    #[test]
    fn python_has_many_line_breaks() {
        let text = "a\r\nb\u{b}c\u{2028}\nd\r";
        assert_eq!(python_lines(text), ["a", "b", "c", "", "d"]);
    }
}
