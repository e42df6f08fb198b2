//! Patterns of log files as Python's `glob` reads them → those of banner, which a shell's are.

/// A path of fail2ban's `logpath` in banner's notation, for the same files.
pub(super) fn path(text: &str) -> String {
    // `glob` looks at names between slashes, each for itself, and at those with magic only.
    let names: Vec<_> = text.split('/').map(name).collect();
    names.join("/")
}

fn name(text: &str) -> String {
    let mut ours = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            // One star as good as many: `**` looks into one folder, too.
            '*' if ours.ends_with('*') => {}
            '\\' => ours.push_str("\\\\"),
            '[' => match set(rest.as_str()) {
                Some((set, length)) => {
                    ours.push_str(&set);
                    rest = rest.as_str()[length..].chars();
                }
                None => ours.push_str("\\["),
            },
            c => ours.push(c),
        }
    }
    ours
}

/// A set behind its `[`, and how many bytes it took with its `]`; `None`: the bracket is itself.
fn set(text: &str) -> Option<(String, usize)> {
    let negated = text.starts_with('!');
    let first = usize::from(negated);
    // A bracket that comes first is an item.
    let begin = first + usize::from(text[first..].starts_with(']'));
    let end = begin + text[begin..].find(']')?;
    let mut ours = String::from(if negated { "[!" } else { "[" });
    for (at, c) in text[first..end].char_indices() {
        // Elsewhere these say something to a shell and nothing to Python.
        if c == '\\' || c == '[' || (at == 0 && matches!(c, '^' | '!')) {
            ours.push('\\');
        }
        ours.push(c);
    }
    ours.push(']');
    Some((ours, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_the_same_in_banners_notation() {
        for (theirs, ours) in [
            ("/var/log/auth.log", "/var/log/auth.log"),
            ("/var/log/*/a?.log", "/var/log/*/a?.log"),
            ("/opt/L[0-9]*.log", "/opt/L[0-9]*.log"),
            ("/opt/**/x", "/opt/*/x"),
            ("/opt/[!a-c]x", "/opt/[!a-c]x"),
            ("/opt/[^a]x", "/opt/[\\^a]x"),
            ("/opt/[]a]x", "/opt/[]a]x"),
            ("/opt/[!]a]x", "/opt/[!]a]x"),
            ("/opt/[[:alpha:]]x", "/opt/[\\[:alpha:]]x"),
            ("/opt/[a\\b]x", "/opt/[a\\\\b]x"),
            ("/opt/a[b/c]d", "/opt/a\\[b/c]d"),
            ("/opt/a\\*b", "/opt/a\\\\*b"),
            ("/opt/a[!]b", "/opt/a\\[!]b"),
        ] {
            assert_eq!(path(theirs), ours);
        }
    }
}
