mod jails;

use std::fs;

use super::*;
use crate::filter::{Dialect, Stamps};

/// A configuration directory with these files.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

const FILTER: &str = "[DEFAULT]\nlogtype = file\n[Definition]\nprefregex = ^<__prefix>: <F-CONTENT>.+</F-CONTENT>$\n\
    __prefix = p-<logtype>\nfailregex = ^bad <HOST>$\n  <more-<mode>>\n\nignoreregex =\nmode = normal\n\
    more-normal =\nmore-strict = ^worse 'x' <HOST>\ndatepattern = {^LN-BEG}\n  ^%%Y\n\
    journalmatch = _UID=0 + _COMM=x\n[Init]\nmaxlines = 3\n";

#[test]
fn a_filter_is_read() {
    let folder = directory(&[("filter.d/x.conf", FILTER)]);
    let fail2ban = Fail2ban::open(folder.path()).unwrap();
    let filter: FilterRef = "fail2ban:x[mode=strict]".parse().unwrap();
    let Imported { spec, notes } = fail2ban.filter_ref(&filter).unwrap();
    assert_eq!((spec.name.as_str(), spec.dialect), ("x", Dialect::Fail2ban));
    assert_eq!(spec.description, "as fail2ban's filter x with mode=strict");
    assert_eq!(
        spec.prefilter.as_deref(),
        Some("^p-file: <F-CONTENT>.+</F-CONTENT>$")
    );
    assert_eq!(spec.fail, ["^bad <HOST>$", "^worse 'x' <HOST>"]);
    assert_eq!(spec.ignore, [""; 0]);
    assert_eq!(spec.lines, 3);
    assert_eq!(
        spec.stamps,
        Stamps::Patterns(vec!["{^LN-BEG}".to_owned(), "^%Y".to_owned()])
    );
    assert_eq!(spec.journal, ["_UID=0 + _COMM=x"]);
    assert_eq!(notes, [""; 0]);

    let journal = fail2ban
        .clone()
        .with_logtype(LogType::Journal)
        .filter("x", &[])
        .unwrap();
    assert_eq!(
        journal.spec.prefilter.as_deref(),
        Some("^p-journal: <F-CONTENT>.+</F-CONTENT>$")
    );
    assert_eq!(journal.spec.fail, ["^bad <HOST>$"]);

    // The same by its path, and a file that stands alone.
    let path = folder.path().join("filter.d/x.conf");
    let by_path: FilterRef = format!("{}[mode=strict]", path.display()).parse().unwrap();
    assert_eq!(fail2ban.filter_ref(&by_path).unwrap().spec, spec);
    let alone = directory(&[
        ("y.conf", FILTER),
        ("y.local", "[Definition]\nignoreregex = no"),
    ]);
    let path: FilterRef = alone
        .path()
        .join("y.conf")
        .display()
        .to_string()
        .parse()
        .unwrap();
    let spec = fail2ban.filter_ref(&path).unwrap().spec;
    assert_eq!(
        (spec.name.as_str(), spec.ignore),
        ("y", vec!["no".to_owned()])
    );
}

#[test]
fn filters_that_cannot_be_read_are_refused_with_their_place() {
    let folder = directory(&[
        ("filter.d/empty.conf", "[DEFAULT]\na = b\n"),
        (
            "filter.d/lines.conf",
            "[Definition]\nfailregex = x\nmaxlines = many\n",
        ),
        (
            "filter.d/journal.conf",
            "[Definition]\nfailregex = x\n\njournalmatch = _COMM='x\n",
        ),
        (
            "filter.d/loop.conf",
            "[Definition]\nfailregex = <a>\na = <b>\nb = <a>\n",
        ),
        (
            "filter.d/missing.conf",
            "[Definition]\nfailregex = x\n  %(no)s\n",
        ),
    ]);
    let fail2ban = Fail2ban::open(folder.path()).unwrap();
    for (name, message) in [
        ("empty", "empty.conf: has no section [Definition]"),
        (
            "lines",
            "lines.conf:3: maxlines: expected a number above zero, found \"many\"",
        ),
        (
            "journal",
            "journal.conf:4: a quote or backslash is not closed in \"_COMM='x\"",
        ),
        ("loop", "refers to itself"),
        (
            "missing",
            "missing.conf:2: failregex: %(no)s is given nowhere",
        ),
        ("absent", "there is no filter \"absent\" here"),
        ("../../../../../etc/passwd", "there is no filter"),
        ("", "there is no filter"),
    ] {
        let error = fail2ban.filter(name, &[]).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    assert!(Fail2ban::open(folder.path().join("filter.d/empty.conf")).is_err());
    assert!(Fail2ban::open(folder.path().join("absent")).is_err());
    assert!("a[b".parse::<FilterRef>().is_err());
}
