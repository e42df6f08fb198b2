use std::{collections::HashSet, fs, path::Path};

use proptest::prelude::*;

use super::*;
use crate::import::error::ImportError;

type Pairs<'a> = &'a [(&'a str, &'a str)];

fn merged(files: Pairs<'_>) -> Result<Merged, ImportError> {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    Ok(Files::default().read(&folder.path().join("f"))?.unwrap())
}

fn value(files: &[(&str, &str)], section: &str, option: &str) -> String {
    let merged = merged(files).unwrap();
    let value = merged.get(section, option, &Vars::default()).unwrap();
    value.map_or_else(|missing| format!("{missing:?}"), |value| value.text)
}

fn refused(text: &str) -> String {
    let merged = merged(&[("f.conf", text)]).unwrap();
    let error = merged
        .get("a", "b", &Vars::default())
        .unwrap_err()
        .to_string();
    let (_, error) = error.split_once("f.conf:").unwrap();
    error.to_owned()
}

#[test]
fn references_are_replaced() {
    let rows = [
        ("[a]\nb = 1%%2 %(c)s\nc = %(D)s\n[DEFAULT]\nd = 3", "1%2 3"),
        ("[a]\nb = %(x/c)s\n[x]\nc = %(d)s\n[DEFAULT]\nd = 3", "3"),
        (
            "[a]\nb = %(x/c)s %(default/c)s\n[x]\n[DEFAULT]\nc = 3",
            "3 3",
        ),
        ("[a]\nb = %(__name__)s", "a"),
        ("[a]\nb = %(known/b)s\n[DEFAULT]\nb = 4", "4"),
        ("[DEFAULT]\nb = 5\n[a]", "5"),
        ("[a]\nb = x (y)s", "x (y)s"),
    ];
    for (text, expected) in rows {
        assert_eq!(value(&[("f.conf", text)], "a", "B"), expected, "{text:?}");
    }
    assert_eq!(value(&[("f.conf", "[a]")], "a", "b"), "Option");
    assert_eq!(value(&[("f.conf", "[a]")], "b", "b"), "Section");
}

#[test]
fn references_that_lead_nowhere_are_refused_with_their_line() {
    let rows = [
        ("[a]\nc = 1\nb = %(d)s", "3: b: %(d)s is given nowhere"),
        ("[a]\nc = %(d)s\nb = %(c)s", "2: b: %(d)s is given nowhere"),
        (
            "[a]\nb = %(X/c)s\n[X]\nc = 1",
            "2: b: %(X/c)s is given nowhere",
        ),
        (
            "[a]\nb = %(b)s",
            "2: b: values refer to each other more than 10 deep",
        ),
        (
            "[a]\nb = 5%",
            "2: b: a % must stand before another % or before (name)s, and here stands \"%\"",
        ),
        (
            "[a]\nb = %(c)d",
            "2: b: a % must stand before another % or before (name)s, and here stands \"%(c)d\"",
        ),
    ];
    for (text, expected) in rows {
        assert_eq!(refused(text), expected, "{text:?}");
    }
}

#[test]
fn values_that_grow_without_end_are_refused() {
    // Eight levels of a hundred references each, to nothing or to something.
    for leaf in ["", "x"] {
        let mut text = format!("[a]\nb8 = {leaf}\n");
        for level in 0..8 {
            let below = format!("%(b{})s", level + 1).repeat(100);
            text.extend(["b", &level.to_string(), " = ", &below, "\n"]);
        }
        text.push_str("b = %(b0)s");
        assert!(refused(&text).contains("becomes longer than"));
    }
}

#[test]
fn files_go_over_each_other_in_order() {
    let files = [
        (
            "f.conf",
            "[INCLUDES]\nbefore = a.conf\nafter = z.conf\n  absent.conf\n[s]\no = f\n",
        ),
        ("a.conf", "[s]\no = a\np = a"),
        ("a.local", "[s]\np = al %(known/p)s"),
        ("z.conf", "[s]\nq = %(known/o)s %(o)s"),
        ("f.d/2.conf", "[s]\no = %(known/o)s2"),
        ("f.d/1.conf", "[s]\no = 1"),
        ("f.d/1.local", "[s?x=y]\no = c"),
        ("f.d/.3.conf", "[s]\no = 3"),
        ("f.local", "[s]\nr = %(known/o)s"),
    ];
    for (option, expected) in [
        ("o", "12"),
        ("p", "al a"),
        ("q", "1 12"),
        ("r", "1"),
        ("o?x=y", "c"),
    ] {
        assert_eq!(value(&files, "s", option), expected, "{option}");
    }
}

#[test]
fn simple_loops_of_includes_end() {
    let files = [
        ("f.conf", "[INCLUDES]\nbefore = g.conf\n[s]\no = f"),
        (
            "g.conf",
            "[INCLUDES]\nbefore = f.conf\nafter = g.conf\n[s]\no = g\np = g",
        ),
    ];
    assert_eq!(value(&files, "s", "o"), "f");
    assert_eq!(value(&files, "s", "p"), "g");
}

#[test]
fn endless_includes_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("d");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("f.conf"), "[INCLUDES]\n\nbefore = ../d/f.conf\n").unwrap();
    let error = Files::default()
        .read(&inner.join("f"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("f.conf:3: includes "), "{error}");
    assert!(error.contains("is this a loop?"), "{error}");
    // Not deep, but wide: four to the power of ten.
    for level in 0..10 {
        let next = format!("  {}.conf\n", level + 1).repeat(4);
        let text = format!("[INCLUDES]\nbefore =\n{next}");
        fs::write(inner.join(format!("{level}.conf")), text).unwrap();
    }
    fs::write(inner.join("10.conf"), "[a]").unwrap();
    let error = Files::default()
        .read(&inner.join("0"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("would have to be read"), "{error}");
}

#[test]
fn what_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let read = |name: &str| Files::default().read(&path(name)).unwrap_err().to_string();
    fs::write(path("binary.conf"), b"[a]\nb = \xff\xfe").unwrap();
    fs::write(path("long.conf"), vec![b'#'; 2 << 20]).unwrap();
    fs::create_dir(path("folder.conf")).unwrap();
    std::os::unix::fs::symlink("loop.conf", path("loop.conf")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", path("zero.conf")).unwrap();
    nix::unistd::mkfifo(&path("pipe.conf"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (name, message) in [
        ("binary", "binary.conf:2: is not UTF-8"),
        ("long", "long.conf: has more than 1048576 bytes"),
        ("folder", "folder.conf: is not a regular file"),
        (
            "loop",
            "loop.conf: cannot read: Too many levels of symbolic links",
        ),
        ("zero", "zero.conf: is not a regular file"),
        ("pipe", "pipe.conf: is not a regular file"),
    ] {
        let error = read(name);
        assert!(error.contains(message), "{error}");
    }
    assert!(Files::default().read(&path("absent")).unwrap().is_none());
}

fn tags(rows: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let place = Place::whole("t");
    let row = |&(name, text): &(&str, &str)| (name.to_owned(), Text::new(text, &place));
    let ignore = HashSet::from(["left".to_owned()]);
    let values = substitute(&rows.iter().map(row).collect(), &ignore, |tag| {
        Ok((tag == "other/x").then(|| Text::new("o", &place)))
    });
    let values = values.map_err(|error| error.to_string())?;
    Ok(values.iter().map(|(_, value)| value.text.clone()).collect())
}

#[test]
fn tags_are_replaced() {
    let rows: [(Pairs<'_>, &[&str]); 6] = [
        (
            &[("a", "<b>1"), ("b", "<c>2"), ("c", "3")],
            &["321", "32", "3"],
        ),
        (
            &[("a", "<HOST> <> <x y> <left>"), ("left", "1")],
            &["<HOST> <> <x y> <left>", "1"],
        ),
        (
            &[("a", "<b-<c>>"), ("b-d", "e"), ("c", "d")],
            &["e", "e", "d"],
        ),
        (&[("a", "<other/x><b><b>"), ("b", "")], &["o", ""]),
        (&[("a", "<b"), ("b", ">c>")], &["<b", ">c>"]),
        (&[("a", "<<b>>"), ("b", "c"), ("c", "d")], &["d", "c", "d"]),
    ];
    for (values, expected) in rows {
        assert_eq!(tags(values).unwrap(), expected, "{values:?}");
    }
}

#[test]
fn tags_that_lead_back_or_explode_are_refused() {
    for rows in [
        &[("a", "<a>")][..],
        &[("a", "<b>"), ("b", "<a>")],
        &[("a", "x<b>"), ("b", "<c>y"), ("c", "<b>")],
    ] {
        let error = tags(rows).unwrap_err();
        assert!(error.contains("refers to itself"), "{error}");
    }
    let names: Vec<_> = (0..20).map(|level| format!("t{level}")).collect();
    let below = |level: usize| format!("<t{}>", level + 1).repeat(50);
    let values: Vec<_> = (0..20).map(below).collect();
    let rows = names.iter().zip(&values);
    let rows: Vec<_> = rows
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let error = tags(&rows).unwrap_err();
    assert!(error.contains("becomes longer than"), "{error}");
}

#[test]
fn options_are_read() {
    let rows: [(&str, &str, Pairs<'_>); 8] = [
        ("sshd", "sshd", &[]),
        ("sshd[]", "sshd", &[]),
        ("sshd[mode=a]", "sshd", &[("mode", "a")]),
        (
            "a[x=\"1,2]\", y='3\"', z= 4 5 , ]\n",
            "a",
            &[("x", "1,2]"), ("y", "3\""), ("z", "4 5")],
        ),
        (
            "a[x=1][y=2] [z=3]",
            "a",
            &[("x", "1"), ("y", "2"), ("z", "3")],
        ),
        ("a[x=1, x=2]", "a", &[("x", "2")]),
        ("a[x=]", "a", &[("x", "")]),
        ("a[x-y.z_=\"1\n2\"]", "a", &[("x-y.z_", "1\n2")]),
    ];
    let place = Place::whole("t");
    for (text, name, options) in rows {
        let (found, given) = named(text, &place).unwrap();
        let given: Vec<_> = given
            .iter()
            .map(|(key, value)| (key, value.as_str()))
            .collect();
        assert_eq!((found, given.as_slice()), (name, options), "{text:?}");
    }
    for text in [
        "",
        "[a=b]",
        "a[b",
        "a[b]",
        "a[b=\"c\"d]",
        "a[b=c]d",
        "a[=c]",
        "a[b=c,,d=e]",
    ] {
        assert!(named(text, &place).is_err(), "{text:?}");
    }
}

#[test]
fn lists_with_options_are_split() {
    let rows: [(&str, &[&str]); 6] = [
        ("", &[]),
        ("a b\n c", &["a", "b", "c"]),
        (
            "a[x=\"1 2\n3\", y=4 5]\nb [z=1]",
            &["a[x=\"1 2\n3\", y=4 5]", "b [z=1]"],
        ),
        ("a[x=1][y='2 3'] b", &["a[x=1][y='2 3']", "b"]),
        ("a[x y b", &["a[x", "y", "b"]),
        ("a[x=1]b c", &["a[x=1]b", "c"]),
    ];
    for (text, expected) in rows {
        assert_eq!(split_named(text), expected, "{text:?}");
    }
}

/// Everything that is done with bytes that somebody calls a configuration.
fn read_all(folder: &Path, data: &[u8]) {
    let path = folder.join("f.conf");
    fs::write(&path, data).unwrap();
    let Ok(Some(merged)) = Files::default().read(&folder.join("f")) else {
        return;
    };
    for (section, options) in merged.sections.sections.iter() {
        let mut values = Section::default();
        for option in options.keys() {
            merged.rest();
            if let Ok(Ok(value)) = merged.get(section, option, &Vars::default()) {
                assert!(value.text.len() <= LONGEST_VALUE);
                let _ = named(&value.text, &value.place);
                let parts = split_named(&value.text);
                assert!(parts.iter().all(|part| !part.is_empty()));
                let _ = words(&value.text);
                values.insert(option, value);
            }
        }
        let replaced = substitute(&values, &HashSet::new(), |tag| {
            merged.get_for_tag(section, tag, &Vars::default())
        });
        if let Ok(replaced) = replaced {
            assert!(
                replaced
                    .iter()
                    .all(|(_, value)| value.text.len() <= 2 * LONGEST_VALUE)
            );
        }
    }
}

proptest! {
    #[test]
    fn no_bytes_are_too_much(data in prop::collection::vec(any::<u8>(), 0..300)) {
        let folder = tempfile::tempdir().unwrap();
        read_all(folder.path(), &data);
    }

    #[test]
    fn nothing_like_a_configuration_is_too_much(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "[", "]", "[a]\n", "[DEFAULT]\n", "[INCLUDES]\n", "before = ", "f.conf", "./f.conf",
                "a", "b", "= ", ": ", "%", "%(", "%(a)s", "%(b)s", "%(a/b)s", "%(known/a)s", ")s",
                "<", ">", "<a>", "<b>", "<a-<b>>", "<known/a>", "\n", "\r", "\n ", "\n\t", ";", " ;",
                "#", "\"", "'", ",", "[a=b]", "[a=\"", "\\", "é", "\u{a0}", "\0", "?", "[a?b]\n",
            ]),
            0..80,
        ),
    ) {
        let folder = tempfile::tempdir().unwrap();
        read_all(folder.path(), parts.concat().as_bytes());
    }
}
