//! Globs, compared with the system's shell.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Command;

use tempfile::TempDir;

use super::super::pattern::Pattern;
use super::super::walk::{Kept, walk};
use super::super::watch::Watches;
use crate::model::LogId;

#[rustfmt::skip]
const FILES: &[&str] = &[
    "auth.log", "auth.log.1", "auth", "a", "b", "Z", "-", "]", "[", "a]", "[a]", "!", "^", "5",
    "x5y", "*", "?", "a*b", "\\", "a b", ".hidden", ".hidden.log", ".git/config.log",
    "nginx/access.log", "nginx/error.log", "nginx/.secret.log", "apache/access.log",
    "apache/old/access.log", "deep/er/x.log",
];

/// Left out is what shells differ in, as POSIX leaves it open: `^`, and whether `.*` is `..` too.
#[rustfmt::skip]
const PATTERNS: &[&str] = &[
    "*", "?", "*.log", "*.log*", "auth*", "[ab]", "[!ab]", "[a-c]", "[]]", "[!]]", "[]-]",
    "[a", "a[", "[[:digit:]]", "[[:upper:][:digit:]]", "[![:alpha:]]", "x[0-9]y", "[a-]", "[-a]",
    "\\*", "\\?", "a\\*b", "[*]", "[?]", "[\\]]", "\\\\", "a\\ b", "nginx/*", "*/access.log",
    "*/*.log", "*/*/*.log", "n*x/[ae]*.log", ".g*/*.log", "nginx/.*.log", "?ginx/*", "*a*", "**",
    "*/../nginx/*.log", "[.]hidden", "?hidden", ".h*",
];

#[test]
fn globs_mean_what_they_mean_to_the_shell() {
    let folder = TempDir::new().expect("temp folder");
    let root = folder.path().canonicalize().expect("canonical");
    for name in FILES {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("create folder");
        fs::write(path, "").expect("write");
    }
    let mut watches = Watches::new().expect("inotify");
    for text in PATTERNS {
        let whole = format!("{}/{text}", root.display());
        let pattern = Pattern::parse(&whole).expect(text);
        let found = walk(&mut watches, &mut Kept::new(), LogId(0), &pattern).found;
        let found: BTreeSet<_> = found
            .into_iter()
            .filter(|one| one.what.as_ref().is_ok_and(std::fs::Metadata::is_file))
            .map(|one| one.shown)
            .collect();
        for path in &found {
            assert!(pattern.matches(path), "{text} found {}", path.display());
        }
        let script =
            format!("for f in {text}; do if [ -f \"$f\" ]; then printf '%s\\0' \"$f\"; fi; done");
        let shell = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&root)
            .env("LC_ALL", "C")
            .output()
            .expect("sh");
        let expected: BTreeSet<_> = shell
            .stdout
            .split(|byte| *byte == 0)
            .filter(|name| !name.is_empty())
            .map(|name| root.join(OsStr::from_bytes(name)))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}
