//! Text from logs, programs and servers, fit for mail, terminals and headers.

/// The text on one line without control characters: what would steer a terminal, break a line or
/// reorder letters is shown as an escape such as `\u{1b}`. Of what is longer than `most`
/// characters the beginning, and `…`.
pub(super) fn shown(text: &str, most: usize) -> String {
    let mut shown = String::with_capacity(text.len().min(most));
    let mut left = most;
    for c in text.chars() {
        if left == 0 {
            shown.push('…');
            break;
        }
        left -= 1;
        match c {
            // Harmless, and common in logs.
            '\\' | '"' | '\'' => shown.push(c),
            _ => shown.extend(c.escape_debug()),
        }
    }
    shown
}

/// The same for each of several lines, of which there are at most `lines`; what is left out is
/// counted.
pub(super) fn shown_lines(text: &str, lines: usize, most: usize) -> Vec<String> {
    let all = text.lines().count();
    let mut shown: Vec<String> = text
        .lines()
        .take(lines)
        .map(|line| self::shown(&line.replace('\t', "    "), most))
        .collect();
    if all > lines {
        shown.push(format!("({} more lines)", all - lines));
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_steers_a_terminal_is_shown_as_such() {
        let text = "a\u{1b}[2J\r\nBcc: x\u{9b}1m\u{202e}\u{7}\u{2028}\u{0} \\d \"q\" ü";
        assert_eq!(
            shown(text, 100),
            "a\\u{1b}[2J\\r\\nBcc: x\\u{9b}1m\\u{202e}\\u{7}\\u{2028}\\0 \\d \"q\" ü"
        );
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(shown("abc", 3), "abc");
        assert_eq!(shown("äbcd", 3), "äbc…");
        assert_eq!(
            shown_lines("1\n2\t\r\n3\n4", 2, 10),
            ["1", "2    ", "(2 more lines)"]
        );
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(text in ".*|[\\x00-\\xff]*", most in 0_usize..200) {
            let shown = shown(&text, most);
            prop_assert!(!shown.contains(char::is_control), "{shown:?}");
            let unseen = ['\u{202e}', '\u{2066}', '\u{2028}', '\u{200b}'];
            prop_assert!(!shown.contains(unseen), "{}", shown);
            prop_assert!(shown.chars().count() <= most * 10 + 1);
        }
    }
}
