//! What Python calls white space, words and lines.

/// Whether Python's `str.isspace` and `\s` take it for white space.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// Whether Python's `\w` matches it.
pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Without white space at both ends.
pub(super) fn strip(text: &str) -> &str {
    text.trim_matches(is_space)
}

/// The lines of a file opened as text: ends are `\n`, `\r\n` and `\r`, and are not part of them.
pub(super) fn lines(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        let end = text.find(['\n', '\r']).unwrap_or(text.len());
        let line = &text[..end];
        let rest = &text[end..];
        text = rest
            .strip_prefix("\r\n")
            .or_else(|| rest.get(1..))
            .unwrap_or("");
        Some(line)
    })
}

/// The lines of a value without white space at both ends, empty ones left out.
pub(crate) fn lines_and_blanks(value: &str) -> impl Iterator<Item = &str> {
    value.split('\n').map(strip).filter(|line| !line.is_empty())
}

/// The words of a line as a POSIX shell reads them (Python's `shlex.split`); none if a quote or a
/// backslash at the end is left open.
pub(crate) fn words(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some('"'), '\\') => {
                let next = rest.next()?;
                let word = word.get_or_insert_default();
                if next != '"' && next != '\\' {
                    word.push('\\');
                }
                word.push(next);
            }
            (None, '\'' | '"') => {
                word.get_or_insert_default();
                quote = Some(c);
            }
            (None, '\\') => {
                let next = rest.next()?;
                word.get_or_insert_default().push(next);
            }
            (None, ' ' | '\t' | '\r' | '\n') => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_in_three_ways() {
        let rows: [(&str, &[&str]); 5] = [
            ("", &[]),
            ("a", &["a"]),
            ("a\nb\r\nc\rd\n", &["a", "b", "c", "d"]),
            ("\n\r\n\r", &["", "", ""]),
            ("é\rü\n\n", &["é", "ü", ""]),
        ];
        for (text, expected) in rows {
            assert_eq!(lines(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn words_are_those_of_a_shell() {
        let rows: [(&str, Option<&[&str]>); 9] = [
            ("", Some(&[])),
            ("A=1 + B=2", Some(&["A=1", "+", "B=2"])),
            ("A='x y'  B=\"z \\\" w\"", Some(&["A=x y", "B=z \" w"])),
            ("''", Some(&[""])),
            ("a\\ b \"\\n\"", Some(&["a b", "\\n"])),
            ("'a\\' b", Some(&["a\\", "b"])),
            ("'open", None),
            ("open\\", None),
            ("a\tb\nc", Some(&["a", "b", "c"])),
        ];
        for (text, expected) in rows {
            let expected = expected.map(|words| words.iter().map(|&w| w.to_owned()).collect());
            assert_eq!(words(text), expected, "{text:?}");
        }
    }
}
