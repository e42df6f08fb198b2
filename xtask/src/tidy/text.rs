//! Rules on text as such: length of files, paths and hosts of a workplace.

use std::path::Path;

use super::Finding;

/// Longest Rust file in lines.
const LONGEST: usize = 400;

/// Files that are one flat table each, and may be longer.
const FLAT_TABLES: [&str; 1] = ["banner-userspace/src/config/settings.rs"];

/// Folders that exist on one machine only. Split, so that this file does not break its own rule.
const WORKPLACES: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// Where dependencies come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

pub(super) fn check(path: &Path, bytes: &[u8]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut broken = |line, rule| {
        findings.push(Finding {
            file: path.to_path_buf(),
            line,
            rule,
        });
    };
    let is_lock = path.ends_with("Cargo.lock");
    let mut lines = 0;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        lines += 1;
        let text = String::from_utf8_lossy(line);
        for workplace in WORKPLACES {
            if holds_path(&text, workplace) {
                broken(lines, format!("a path of one machine: {workplace}"));
            }
        }
        if let Some(host) = private_host(&text) {
            broken(
                lines,
                format!("the address of a host that others cannot reach: {host}"),
            );
        }
        if is_lock
            && let Some(source) = text.trim().strip_prefix("source = ")
            && source.trim_matches('"') != REGISTRY
        {
            broken(lines, "dependencies come from crates.io".to_owned());
        }
    }
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    let is_table = FLAT_TABLES.iter().any(|table| path == Path::new(table));
    if is_rust && lines > LONGEST && !is_table {
        broken(
            lines,
            format!(
                "{lines} lines; a file has at most {LONGEST}, but for the flat tables listed in \
                 xtask/src/tidy/text.rs"
            ),
        );
    }
    findings
}

/// Whether `path` begins in `text` and is not the tail of a longer path.
fn holds_path(text: &str, path: &str) -> bool {
    text.match_indices(path).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || "._-~*/})".contains(c))
    })
}

/// The host of a URL in `text` that no stranger could reach. Names and addresses set aside for
/// examples (RFC 2606, RFC 5737) and this machine itself are nobody's workplace.
fn private_host(text: &str) -> Option<&str> {
    text.match_indices("://").find_map(|(at, separator)| {
        let rest = &text[at + separator.len()..];
        let authority = &rest[..rest
            .find(|c: char| !(c.is_alphanumeric() || "-._:@[]".contains(c)))
            .unwrap_or(rest.len())];
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let name = host.split(':').next().unwrap_or(host);
        let private = [".internal", ".local", ".lan", ".corp", ".intranet"]
            .iter()
            .any(|end| name.ends_with(end))
            || name
                .parse::<std::net::Ipv4Addr>()
                .is_ok_and(|address| address.is_private() || address.is_link_local());
        private.then_some(host)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(path: &str, text: &str) -> Vec<String> {
        let findings = check(Path::new(path), text.as_bytes());
        findings.into_iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn paths_of_one_machine_are_found_and_tails_of_others_are_not() {
        let [work, root] = WORKPLACES;
        for text in [
            format!("cd {work}x"),
            format!("\"{root}.cargo\""),
            format!("={root}"),
        ] {
            assert_eq!(rules("docs/a.md", &text).len(), 1, "{text}");
        }
        for text in [
            format!("docs{work}x"),
            format!("/var{root}x"),
            format!("~{root}"),
            root.trim_end_matches('/').to_owned(),
        ] {
            assert_eq!(rules("docs/a.md", &text), [""; 0], "{text}");
        }
    }

    #[test]
    fn hosts_that_strangers_cannot_reach_are_found() {
        let private = [
            "10.1.2.3",
            "192.168.0.1:8080",
            "me@mirror.corp",
            "x.internal:80",
        ];
        for host in private {
            assert_eq!(
                rules("a.toml", &format!("url = \"http://{host}/x\"")).len(),
                1,
                "{host}"
            );
        }
        for host in [
            "github.com",
            "127.0.0.1:9100",
            "localhost:80",
            "192.0.2.7",
            "[::1]:80",
        ] {
            assert_eq!(
                rules("a.toml", &format!("url = \"http://{host}/x\"")),
                [""; 0],
                "{host}"
            );
        }
    }

    #[test]
    fn the_lock_names_one_registry() {
        assert_eq!(
            rules("Cargo.lock", &format!("source = \"{REGISTRY}\"")),
            [""; 0]
        );
        assert_eq!(
            rules("Cargo.lock", "source = \"sparse+https://a.example/\"").len(),
            1
        );
    }

    #[test]
    fn long_rust_files_are_reported_and_other_long_files_are_not() {
        let long = "x\n".repeat(LONGEST + 1);
        assert_eq!(rules("xtask/src/a.rs", &long).len(), 1);
        assert_eq!(rules("xtask/src/a.rs", &long[2..]), [""; 0]);
        assert_eq!(rules("docs/a.md", &long), [""; 0]);
    }
}
