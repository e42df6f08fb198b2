use std::{
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use super::*;
use crate::model::{PortsId, Until};

const NOW: Now = Now {
    wall: Wall::from_secs(1_795_176_000),
    mono: Mono(5_000_000_000),
};

fn enforcer(file: &Path) -> HostsDeny {
    HostsDeny::new(
        Options {
            file: file.to_owned(),
            daemons: "ALL".into(),
        },
        vec!["sshd".into()],
    )
}

fn set(net: &str, until: Until) -> Change {
    Change::Set(Ban {
        net: net.parse().unwrap(),
        ports: PortsId::ALL,
        jail: Some(JailId(0)),
        mode: Mode::Enforce,
        until,
        quiet: None,
    })
}

#[test]
fn other_lines_mode_and_links_stay() {
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("real"), dir.path().join("hosts.deny"));
    fs::write(&file, "# mine\nALL: 10.9.9.9\nlast: x").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let mut deny = enforcer(&link);
    deny.open().unwrap();
    let end = Until::At(NOW.mono.after(Duration::from_mins(1)));
    deny.apply(
        &[
            set("192.0.2.7/32", end),
            set("2001:db8::/64", Until::Forever),
        ],
        NOW,
    )
    .unwrap();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(
        text,
        format!(
            "# mine\nALL: 10.9.9.9\nlast: x\n{BEGIN}\n# ban 192.0.2.7/32 1795176061 sshd all\n\
             ALL: 192.0.2.7\n# ban 2001:db8::/64 0 sshd all\nALL: [2001:db8::]/64\n{END}\n"
        )
    );
    assert!(link.is_symlink());
    assert_eq!(fs::metadata(&file).unwrap().mode() & 0o7777, 0o640);
    let mut next = enforcer(&link);
    assert!(next.look().unwrap());
    let mut found = next.in_force(NOW).unwrap();
    found.sort_by_key(|ban| ban.net);
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].jail, found[1].until),
        (Some(JailId(0)), Until::Forever)
    );
    next.remove().unwrap();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        "# mine\nALL: 10.9.9.9\nlast: x\n"
    );
}

#[test]
fn marks_that_were_torn_are_refused_and_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hosts.deny");
    for text in [
        format!("{BEGIN}\nALL: 192.0.2.7\n"),
        format!("{END}\n"),
        format!("{BEGIN}\n{END}\n{BEGIN}\n{END}\n"),
    ] {
        fs::write(&file, &text).unwrap();
        let mut deny = enforcer(&file);
        let said = deny.open().unwrap_err().to_string();
        assert!(said.contains("remove"), "{said}");
        assert!(
            deny.apply(&[set("192.0.2.8/32", Until::Forever)], NOW)
                .is_err()
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn an_edit_is_seen_and_put_right() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("hosts.deny");
    let mut deny = enforcer(&file);
    deny.open().unwrap();
    deny.apply(&[set("192.0.2.7/32", Until::Forever)], NOW)
        .unwrap();
    assert!(deny.inquire()().unwrap().broken.is_none());
    let before = fs::read_to_string(&file).unwrap();
    fs::write(
        &file,
        format!("ALL: 10.1.1.1\n{}", before.replace("ALL: 192.0.2.7\n", "")),
    )
    .unwrap();
    assert!(deny.inquire()().unwrap().broken.is_some());
    deny.open().unwrap();
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        format!("ALL: 10.1.1.1\n{before}")
    );
    assert!(deny.inquire()().unwrap().broken.is_none());
}
