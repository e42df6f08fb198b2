//! `banner top`.

use std::{path::Path, process::ExitCode};

use super::{ask, output::say, table};
use crate::control::Top;

pub(super) fn top(socket: &Path, count: usize, json: bool) -> anyhow::Result<ExitCode> {
    let top = ask(async |agent| agent.top(count).await, socket)??;
    if json {
        say!("{}", table::json(&top)?);
    } else {
        say!("{}", text(&top).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn text(top: &Top) -> String {
    if top.hosts.is_empty() {
        return "no packet that a ban was about has been sampled yet".into();
    }
    let titles = ["HOST", "PACKETS (SAMPLED)", "SHARE", "BANNED"];
    let mut lines = vec![titles.map(String::from).to_vec()];
    for host in &top.hosts {
        // Tenths of a percent.
        let share = u128::from(host.packets) * 1000 / u128::from(top.packets.max(1));
        lines.push(vec![
            host.host.to_string(),
            host.packets.to_string(),
            format!("{}.{} %", share / 10, share % 10),
            if host.banned { "yes" } else { "no longer" }.into(),
        ]);
    }
    table::aligned(&lines)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::TopHost;

    #[test]
    fn shares_are_of_all_that_is_known() {
        let host = |host: &str, packets, banned| TopHost {
            host: host.parse().unwrap(),
            packets,
            banned,
        };
        let top = Top {
            hosts: vec![
                host("192.0.2.7", 2560, true),
                host("2001:db8::7", 128, false),
            ],
            packets: 3840,
        };
        let text = text(&top);
        let lines: Vec<Vec<_>> = (text.lines())
            .map(|line| line.split_ascii_whitespace().collect())
            .collect();
        assert_eq!(lines[1], ["192.0.2.7", "2560", "66.6", "%", "yes"]);
        assert_eq!(lines[2], ["2001:db8::7", "128", "3.3", "%", "no", "longer"]);
    }
}
