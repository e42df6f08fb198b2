//! Names and paths.

use super::report::Report;
use super::yaml::Located;

/// The rule for names of jails, filters and prefixes: they stand in file names, labels and
/// reports.
pub(crate) const NAME_RULE: &str = "1 to 64 letters, digits, dots, underscores and hyphens";

/// Whether a name follows [`NAME_RULE`].
pub(crate) fn is_name(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a name can be that of a filter: it becomes the name of a file.
pub(crate) fn is_filter_name(text: &str) -> bool {
    is_name(text) && !text.contains("..") && !text.starts_with('.')
}

/// The list without what was given before, which is reported.
pub(crate) fn distinct<T: Clone + Ord>(
    items: Vec<Located<T>>,
    path: &str,
    report: &mut Report,
) -> Vec<Located<T>> {
    distinct_by(items, Clone::clone, path, report)
}

/// The same for items of which a part decides whether they are one.
pub(crate) fn distinct_by<T, K: Ord>(
    items: Vec<Located<T>>,
    key: impl Fn(&T) -> K,
    path: &str,
    report: &mut Report,
) -> Vec<Located<T>> {
    let mut seen = std::collections::BTreeMap::new();
    let mut kept = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let key = key(&item.value);
        if let Some(first) = seen.get(&key) {
            let path = format!("{path}[{index}]");
            report.error_see(item.spot, &path, "given twice; first at", *first);
        } else {
            seen.insert(key, item.spot);
            kept.push(item);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_fit_for_file_names_and_labels() {
        for name in ["sshd", "nginx-http.2_x", "22", &"a".repeat(64)] {
            assert!(is_name(name) && is_filter_name(name), "{name}");
        }
        for name in ["", "a b", "a/b", "ü", "a\n", &"a".repeat(65)] {
            assert!(!is_name(name) && !is_filter_name(name), "{name}");
        }
        for name in ["..", "a..b", ".hidden"] {
            assert!(is_name(name) && !is_filter_name(name), "{name}");
        }
    }
}
