//! Which room of `banner-userspace` may name which.

use std::path::Path;

use super::{
    Finding,
    mentions::{Mention, Source},
};

/// A room and what its lines may name of the other rooms: a room, or a path in one. Every room may
/// name `model`.
///
/// `model` is everybody's vocabulary. `netlink` and `sys` hold what the kernel says, without a
/// word of banner's own. Data flows from the sides to `agent`, which alone knows them all.
const ROOMS: [(&str, &[&str]); 17] = [
    ("model", &[]),
    ("filter", &[]),
    ("track", &[]),
    ("decide", &["track"]),
    ("config", &["dns", "filter", "notify"]),
    ("source", &["sys"]),
    ("enforce", &["netlink", "sys"]),
    ("store", &["sys"]),
    ("notify", &["sys"]),
    ("control", &["sys"]),
    ("metrics", &[]),
    ("import", &["config", "dns", "filter"]),
    ("dns", &[]),
    ("netlink", &["sys"]),
    ("sys", &[]),
    (
        "agent",
        &[
            "config", "control", "decide", "dns", "enforce", "filter", "import", "metrics",
            "netlink", "notify", "source", "store", "sys", "track",
        ],
    ),
    // `enforce::xdp` for work without an agent, such as `banner detach`.
    (
        "cli",
        &[
            "agent",
            "config",
            "control",
            "enforce::left",
            "enforce::xdp",
            "filter",
            "import",
            "notify",
            "sys",
        ],
    ),
];

/// Rooms that name `banner-common`; the others see its shapes through theirs.
const SEES_COMMON: [&str; 4] = ["model", "enforce", "agent", "cli"];

/// The room that a file lies in: the folder, or the file, right below `banner-userspace/src`.
/// `None` for the crate's root and for other packages.
pub(crate) fn room(source: &Source) -> Option<&str> {
    if !source.file.starts_with("banner-userspace/src") {
        return None;
    }
    source.module.first().map(String::as_str)
}

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let broken = |line, rule| Finding {
        file: source.file.clone(),
        line,
        rule,
    };
    let Some(room) = room(source) else {
        // The program: a thin shell around `cli`.
        if source.file == Path::new("banner-userspace/src/main.rs") {
            let named = source.mentions.iter().filter_map(|mention| {
                let room = room_named(mention)?;
                (room != "cli")
                    .then(|| broken(mention.line, format!("main may name `cli`, not `{room}`")))
            });
            return named.collect();
        }
        return Vec::new();
    };
    let Some((_, others)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![broken(
            1,
            format!(
                "`{room}` is not a room: enter it, and what it may name, in ARCHITECTURE.md and \
                 xtask/src/tidy/rooms.rs"
            ),
        )];
    };
    let mut findings = Vec::new();
    for mention in &source.mentions {
        if let Some(named) = room_named(mention)
            && named != room
            && named != "model"
            && !others.iter().any(|other| is_in(&mention.path[1..], other))
        {
            findings.push(broken(mention.line, refusal(room, named, others)));
        }
        if mention.path[0] == "banner_common" && !SEES_COMMON.contains(&room) {
            let rooms = SEES_COMMON.join("`, `");
            findings.push(broken(
                mention.line,
                format!("`{room}` may not name `banner_common`; only `{rooms}` may"),
            ));
        }
        if room == "cli" && is_server(mention) {
            findings.push(broken(
                mention.line,
                "`cli` may name control's client, not its server".to_owned(),
            ));
        }
    }
    findings
}

/// The word after the crate in a path from its root.
fn room_named(mention: &Mention) -> Option<&str> {
    match mention.path.as_slice() {
        [start, room, ..] if start == "crate" || start == "banner_userspace" => Some(room),
        _ => None,
    }
}

/// Whether `path` is `other` or in it.
fn is_in(path: &[String], other: &str) -> bool {
    let mut path = path.iter();
    other
        .split("::")
        .all(|part| path.next().is_some_and(|found| found == part))
}

fn is_server(mention: &Mention) -> bool {
    room_named(mention) == Some("control")
        && mention
            .path
            .get(2)
            .is_some_and(|item| item == "Server" || item == "server")
}

fn refusal(room: &str, named: &str, others: &[&str]) -> String {
    if !ROOMS.iter().any(|(name, _)| *name == named) {
        return format!("`crate::{named}` is not in a room; name it by the room that holds it");
    }
    let mut allowed = vec!["model"];
    allowed.retain(|&name| name != room);
    allowed.extend(others);
    if allowed.is_empty() {
        return format!("`{room}` may name no other room, and names `{named}`");
    }
    format!(
        "`{room}` may name `{}`, not `{named}`",
        allowed.join("`, `")
    )
}
