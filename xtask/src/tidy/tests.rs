use std::{fs, path::Path};

use super::{Finding, findings};

/// What is found when `files` (path, text) are the whole workspace: `path:line: rule`.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let (findings, read) = findings(root.path()).unwrap();
    assert_eq!(read, files.len());
    findings.iter().map(Finding::to_string).collect()
}

/// One file below `banner-userspace/src`.
fn in_userspace(path: &str, text: &str) -> Vec<String> {
    found(&[(&format!("banner-userspace/src/{path}"), text)])
}

#[test]
fn rooms_name_what_the_design_lets_them() {
    let good = [
        ("decide/mod.rs", "use crate::{model::Ban, track::Offence};"),
        (
            "decide/mod.rs",
            "use crate::{model::Ban as Entry, track::Offence as _};",
        ),
        (
            "config/check.rs",
            "use crate::filter; use super::files::read;",
        ),
        (
            "agent/mod.rs",
            "use crate::{config, control, decide, enforce::xdp, source};",
        ),
        ("cli/mod.rs", "use crate::control::{Client, Status};"),
        (
            "enforce/xdp/bans.rs",
            "use super::super::Ban; use banner_common::Ban as Value;",
        ),
        (
            "cli/mod.rs",
            "use crate::{enforce::xdp, control::{self, Client as Agent}};",
        ),
        ("cli/mod.rs", "use crate::enforce::{xdp::{self, pins}};"),
        (
            "agent/mod.rs",
            "use crate::{enforce::{self, Enforce as _}, store as kept};",
        ),
        (
            "track/window.rs",
            "mod tests { use super::*; } use super::*;",
        ),
        ("lib.rs", "pub mod agent; pub mod track;"),
        ("main.rs", "fn main() { banner_userspace::cli::run() }"),
    ];
    for (path, text) in good {
        assert_eq!(in_userspace(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn rooms_name_nothing_else_however_it_is_written() {
    let bad = [
        ("track/mod.rs", "use crate::decide::Decider;"),
        ("track/mod.rs", "use crate::{model, store};"),
        (
            "track/mod.rs",
            "use crate::{model::{Ban, Jail}, config::{self, Jail}};",
        ),
        ("track/window.rs", "use super::super::source::Line;"),
        ("track/window.rs", "use super::super::{model, source};"),
        (
            "track/window.rs",
            "mod a { use super::super::super::source::Line; }",
        ),
        ("track/mod.rs", "use super::agent;"),
        (
            "track/mod.rs",
            "fn a() -> Vec<crate::notify::Mail> { vec![] }",
        ),
        (
            "track/mod.rs",
            "fn a() { println!(\"{}\", crate::metrics::total()) }",
        ),
        (
            "track/mod.rs",
            "#[cfg(test)] mod tests { use crate::store::Store; }",
        ),
        ("track.rs", "use crate::control;"),
        ("model/mod.rs", "use crate::filter::Filter;"),
        ("source/mod.rs", "use crate::enforce::Enforce;"),
        ("metrics/mod.rs", "use crate::track::Table;"),
        ("cli/mod.rs", "use crate::enforce::Enforce;"),
        ("cli/mod.rs", "use crate::{enforce::nftables as xdp};"),
        ("track/mod.rs", "use crate::{store as model};"),
        ("track/mod.rs", "use crate::*;"),
        ("track/mod.rs", "use super::*;"),
        ("cli/mod.rs", "use crate::control::Server;"),
        ("agent/mod.rs", "use crate::cli::Args;"),
        ("notify/mod.rs", "use banner_common::Ban;"),
        ("attic/mod.rs", "fn a() {}"),
        ("store/mod.rs", "use crate::Everything;"),
        ("main.rs", "use banner_userspace::agent;"),
    ];
    for (path, text) in bad {
        let found = in_userspace(path, text);
        assert_eq!(found.len(), 1, "{path}: {text}: {found:?}");
        assert!(
            found[0].starts_with(&format!("banner-userspace/src/{path}:1: ")),
            "{found:?}"
        );
    }
}

#[test]
fn a_finding_names_the_line_and_the_rule_in_words() {
    let text = "//! crate::store is only a comment here.\n\nuse crate::{\n    model::Ban,\n    store::Store,\n};\n";
    assert_eq!(
        in_userspace("decide/mod.rs", text),
        ["banner-userspace/src/decide/mod.rs:5: `decide` may name `model`, `track`, not `store`"]
    );
}

#[test]
fn comments_strings_and_doc_comments_break_no_rule() {
    let text = "/// Unlike `aya::Ebpf`, no `unsafe`.\n// Instant::now\nconst A: &str = \"unsafe crate::store\";";
    assert_eq!(in_userspace("track/mod.rs", text), [""; 0]);
}

#[test]
fn aya_is_named_in_its_place_only() {
    for path in ["enforce/xdp/attach.rs", "enforce/xdp/mod.rs"] {
        assert_eq!(in_userspace(path, "use aya::Ebpf;"), [""; 0]);
    }
    assert_eq!(found(&[("tests/src/bpf.rs", "use aya::Ebpf;")]), [""; 0]);
    for (path, text) in [
        ("enforce/mod.rs", "use aya::Ebpf;"),
        ("agent/mod.rs", "fn a(b: &aya::Ebpf) {}"),
        ("store/mod.rs", "use {aya, std::io};"),
    ] {
        let found = in_userspace(path, text);
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        assert!(
            found[0].ends_with("`aya` is named only in enforce/xdp"),
            "{found:?}"
        );
    }
}

#[test]
fn unsafe_stands_in_its_places_only() {
    let text = "fn a() { unsafe { b() } }";
    for path in ["banner-ebpf/src/main.rs", "banner-userspace/src/sys/bpf.rs"] {
        assert_eq!(found(&[(path, text)]), [""; 0], "{path}");
    }
    for path in [
        "banner-userspace/src/enforce/xdp/mod.rs",
        "banner-common/src/ban.rs",
        "tests/src/bpf.rs",
        "xtask/src/main.rs",
    ] {
        assert_eq!(found(&[(path, text)]).len(), 1, "{path}");
    }
    assert_eq!(
        found(&[("xtask/src/main.rs", "#![forbid(unsafe_code)]")]),
        [""; 0]
    );
}

#[test]
fn clocks_are_read_in_the_agent_and_in_tests() {
    let read = "fn a() { std::time::Instant::now(); }";
    for path in ["agent/clock.rs", "enforce/xdp/clock.rs", "track/tests.rs"] {
        assert_eq!(in_userspace(path, read), [""; 0], "{path}");
    }
    let in_tests = format!("#[cfg(test)] mod tests {{ #[test] fn b() {{}} {read} }}");
    assert_eq!(in_userspace("track/mod.rs", &in_tests), [""; 0]);
    for text in [
        "fn a() { SystemTime::now(); }",
        "fn a() { std::time::Instant::now(); }",
        "fn a() { x.map(Instant::now) }",
        "fn a() { jiff::Timestamp::now(); }",
        "fn a() { jiff::Zoned::now(); }",
        "fn a() { clock_gettime(ClockId::CLOCK_BOOTTIME); }",
        "fn a() { began.elapsed(); }",
        "#[cfg(test)] mod tests {} fn a() { Instant::now(); }",
        "#[cfg(test)] use x::{a, b}; fn a() { Instant::now(); }",
        "#[cfg(not(test))] fn a() { Instant::now(); }",
    ] {
        assert_eq!(in_userspace("source/mod.rs", text).len(), 1, "{text}");
    }
    assert_eq!(
        in_userspace("source/mod.rs", "fn a(now: Now) { b(now) }"),
        [""; 0]
    );
}

#[test]
fn a_file_declared_for_tests_only_is_test() {
    let clock = "fn a() { Instant::now(); }";
    let samples = |declaration| {
        found(&[
            ("banner-userspace/src/track/mod.rs", declaration),
            ("banner-userspace/src/track/samples/deep.rs", clock),
        ])
    };
    assert_eq!(samples("#[cfg(test)] mod samples;"), [""; 0]);
    assert_eq!(samples("#[cfg(test)] mod other; mod samples;").len(), 1);
}

#[test]
fn pure_rooms_do_not_reach_outside() {
    for (path, text) in [
        ("track/mod.rs", "use std::fs;"),
        ("decide/mod.rs", "use std::{collections::BTreeMap, thread};"),
        (
            "filter/mod.rs",
            "async fn a() { tokio::task::yield_now().await }",
        ),
        ("model/mod.rs", "use nix::unistd;"),
        ("config/mod.rs", "use std::process::Command;"),
    ] {
        assert_eq!(in_userspace(path, text).len(), 1, "{path}: {text}");
    }
    for (path, text) in [
        ("config/files.rs", "use std::fs;"),
        ("source/mod.rs", "use tokio::fs; use std::thread;"),
        ("filter/mod.rs", "#[cfg(test)] mod tests { use std::fs; }"),
        ("track/mod.rs", "use std::{net::IpAddr, time::Duration};"),
    ] {
        assert_eq!(in_userspace(path, text), [""; 0], "{path}: {text}");
    }
}

#[test]
fn tests_do_not_sleep() {
    let sleep = "fn a() { std::thread::sleep(B); }";
    assert_eq!(found(&[("tests/src/wait.rs", sleep)]), [""; 0]);
    assert_eq!(
        found(&[("banner-userspace/src/control/server.rs", sleep)]),
        [""; 0]
    );
    for (path, text) in [
        ("tests/src/lab.rs", sleep),
        (
            "tests/tests/all/main.rs",
            "use std::thread::sleep; fn a() { sleep(B); }",
        ),
        (
            "banner-userspace/src/source/mod.rs",
            "#[tokio::test(flavor = \"x\")] async fn a() { tokio::time::sleep(B).await; }",
        ),
    ] {
        assert_eq!(found(&[(path, text)]).len(), 1, "{path}: {text}");
    }
}

#[test]
fn what_git_does_not_keep_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    for folder in ["target/debug", ".git", "xtask/target"] {
        fs::create_dir_all(root.path().join(folder)).unwrap();
        fs::write(root.path().join(folder).join("a.rs"), "not rust {").unwrap();
    }
    let error = findings(root.path()).unwrap_err();
    assert!(
        format!("{error:#}").contains("xtask/target/a.rs"),
        "{error:#}"
    );
    fs::remove_file(root.path().join("xtask/target/a.rs")).unwrap();
    assert!(findings(root.path()).is_ok_and(|(_, files)| files == 0));
}

#[test]
fn this_workspace_is_read_whole() {
    let root = crate::places::workspace();
    let (_, files) = findings(&root).unwrap();
    assert!(files > 50, "only {files} files below {}", root.display());
    assert!(Path::new(&root).join("Cargo.lock").is_file());
}
