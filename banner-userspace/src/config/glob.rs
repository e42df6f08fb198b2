use std::io;
use std::path::{Component, Path, PathBuf};

use super::files::Files;

/// Whether a path has a wildcard and so may match any number of files.
pub(crate) fn is_pattern(path: &str) -> bool {
    path.contains(['*', '?'])
}

/// The paths that match, in ascending order. `*` stands for any characters but `/` and `?` for
/// one; neither for a leading dot, so that what editors leave behind is not read. A folder that
/// does not exist holds no match.
pub(crate) fn expand(files: &dyn Files, pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = vec![PathBuf::new()];
    let mut matched = false;
    for component in pattern.components() {
        let name = match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        };
        // Below a wildcard, what is not there is no match rather than an error.
        matched |= name.is_some_and(is_pattern);
        let Some(name) = name.filter(|_| matched) else {
            for path in &mut paths {
                path.push(component);
            }
            continue;
        };
        let mut found = Vec::new();
        for folder in paths {
            match files.list(&folder) {
                Ok(names) => found.extend(
                    names
                        .iter()
                        .filter(|entry| entry.to_str().is_some_and(|entry| matches(name, entry)))
                        .map(|entry| folder.join(entry)),
                ),
                Err(error) if is_absent(&error) => {}
                Err(error) => return Err(error),
            }
        }
        paths = found;
    }
    paths.sort();
    Ok(paths)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn matches(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    // Where to go on after the last star: it takes one character more each time.
    let mut retry: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match &mut retry {
                Some((after, taken)) => {
                    *taken += 1;
                    p = *after;
                    n = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::files::InMemory;

    #[test]
    fn stars_and_question_marks_match_within_a_name() {
        let rows = [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", ".yaml", false),
            ("*.yaml", ".a.yaml", false),
            (".*.yaml", ".a.yaml", true),
            ("*.yaml", "a.yaml~", false),
            ("*.yaml", "a.yaml.disabled", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbXbX", false),
            ("**", "x", true),
            ("*", "x", true),
            ("x", "x", true),
            ("ü?", "üß", true),
        ];
        for (pattern, name, expected) in rows {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn matches_come_in_order_and_wildcards_work_in_folders_too() {
        let files: InMemory = ["/e/b/2.yaml", "/e/a/1.yaml", "/e/a/0.txt", "/e/c.yaml"]
            .into_iter()
            .map(|path| (path, ""))
            .collect();
        let expand = |pattern: &str| expand(&files, Path::new(pattern)).expect("no error");
        assert_eq!(
            expand("/e/*/*.yaml"),
            ["/e/a/1.yaml", "/e/b/2.yaml"].map(PathBuf::from)
        );
        assert_eq!(expand("/e/*.yaml"), ["/e/c.yaml"].map(PathBuf::from));
        assert_eq!(expand("/e/*/1.yaml"), ["/e/a/1.yaml"].map(PathBuf::from));
        assert_eq!(expand("/none/*.yaml"), Vec::<PathBuf>::new());
    }

    proptest! {
        #[test]
        fn matching_agrees_with_a_regular_expression(pattern in "[a-c*?]{0,8}", name in "[a-c]{0,10}") {
            let regex = pattern.replace('*', ".*").replace('?', ".");
            let regex = regex::Regex::new(&format!("^{regex}$")).expect("a regex");
            prop_assert_eq!(matches(&pattern, &name), regex.is_match(&name));
        }
    }
}
