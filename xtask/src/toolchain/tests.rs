use super::*;

fn version(release: (u32, u32)) -> Version {
    Version {
        line: format!("rustc {}.{}.0", release.0, release.1),
        host: "x86_64-unknown-linux-gnu".to_owned(),
        release,
        llvm: "22.1.8".to_owned(),
    }
}

fn candidate(kind: Kind, release: (u32, u32), has_core_source: bool) -> Candidate {
    Candidate {
        kind,
        has_core_source,
        has_cargo: true,
        version: Some(version(release)),
    }
}

fn nightly(has_core_source: bool) -> Candidate {
    candidate(Kind::Rustup("nightly-x".into()), (1, 97), has_core_source)
}

#[test]
fn the_choice_follows_the_record_then_rustup_then_the_distribution() {
    let distribution = candidate(Kind::Distribution, (1, 96), true);
    let rustup = Kind::Rustup("nightly-x".into());
    let table = [
        (vec![nightly(true)], None, rustup.clone()),
        (vec![distribution.clone()], None, Kind::Distribution),
        (
            vec![nightly(false), distribution.clone()],
            None,
            Kind::Distribution,
        ),
        (
            vec![distribution.clone(), nightly(true)],
            None,
            rustup.clone(),
        ),
        (
            vec![nightly(true), distribution.clone()],
            Some("rustc 1.96.0"),
            Kind::Distribution,
        ),
        (
            vec![nightly(true), distribution],
            Some("rustc 1.99.0"),
            rustup,
        ),
    ];
    for (found, recorded, expected) in table {
        let chosen = choose(&found, recorded).map(|toolchain| toolchain.kind);
        assert_eq!(chosen, Ok(expected), "{found:?} with record {recorded:?}");
    }
}

#[test]
fn what_is_missing_is_said_for_each_compiler_and_with_both_ways_out() {
    let table: [(Vec<Candidate>, &str); 4] = [
        (vec![], "no nightly of rustup"),
        (
            vec![nightly(false)],
            "rustup's nightly-x is here, but without the component rust-src",
        ),
        (
            vec![candidate(Kind::Distribution, (1, 63), true)],
            "is 1.63, which is too old",
        ),
        (
            vec![candidate(Kind::Distribution, (1, 96), false)],
            "rust-web-src",
        ),
    ];
    for (found, expected) in table {
        let text = choose(&found, None).unwrap_err().to_string();
        for part in [
            expected,
            "rustup toolchain install nightly",
            "apt-get install rustc-web",
        ] {
            assert!(text.contains(part), "{part:?} not in {text:?}");
        }
    }
}

#[test]
fn versions_are_read_from_what_rustc_prints() {
    let printed = "rustc 1.97.0-nightly (abc 2026-05-25)\nbinary: rustc\n\
                   host: x86_64-unknown-linux-gnu\nrelease: 1.97.0-nightly\n\
                   LLVM version: 22.1.8";
    let version = Version::parse(printed).unwrap();
    assert_eq!(version.line, "rustc 1.97.0-nightly (abc 2026-05-25)");
    assert_eq!(version.host, "x86_64-unknown-linux-gnu");
    assert_eq!(version.release, (1, 97));
    assert_eq!(version.llvm_major(), "22");
    assert_eq!(Version::parse("rustc 1.97.0"), None);
}
