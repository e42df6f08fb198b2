//! What restore commands take and save commands give.

use std::fmt::Write as _;

use ipnet::IpNet;

use super::sets::{Family, Sets};
use crate::model::{Iptables as Options, Ports, Protocol};

/// Stands at the first rule of the chain, so that it is known for banner's.
pub(super) const COMMENT: &str = "of banner";

pub(super) fn line(script: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(script, "{words}").expect("a String takes all");
}

/// One ban in a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) net: IpNet,
    /// 0: without an end.
    pub(super) seconds: Option<u64>,
    pub(super) jail: Option<String>,
}

impl Member {
    pub(super) fn add(&self, set: &str, script: &mut String) {
        let (net, seconds) = (self.net, self.seconds.unwrap_or(0));
        let jail = self.jail.as_deref().unwrap_or("-");
        line(
            script,
            format_args!("add {set} {net} timeout {seconds} comment \"{jail}\""),
        );
    }

    pub(super) fn delete(&self, set: &str, script: &mut String) {
        line(script, format_args!("del {set} {}", self.net));
    }

    /// A line that `ipset save` writes, with the set's name.
    pub(super) fn read(line: &str) -> Option<(String, Self)> {
        let mut words = line.strip_prefix("add ")?.split(' ');
        let set = words.next()?.to_owned();
        let net = words.next()?;
        let net = match net.parse::<IpNet>() {
            Ok(net) => net,
            Err(_) => net.parse::<std::net::IpAddr>().ok()?.into(),
        };
        let mut member = Self {
            net,
            seconds: None,
            jail: None,
        };
        while let Some(word) = words.next() {
            match word {
                "timeout" => member.seconds = words.next()?.parse().ok(),
                "comment" => {
                    let jail = words.next()?.trim_matches('"');
                    member.jail = (jail != "-").then(|| jail.to_owned());
                }
                _ => {}
            }
        }
        Some((set, member))
    }
}

/// The rules of the chain.
pub(super) fn rules<'p>(
    options: &Options,
    family: Family,
    sets: &Sets,
    ports: impl Iterator<Item = (u8, &'p Ports)>,
) -> Vec<String> {
    let target = match &options.reject_with {
        Some((v4, v6)) => {
            let with = if family == Family::V4 { v4 } else { v6 };
            format!("{} --reject-with {with}", options.target)
        }
        None => options.target.clone(),
    };
    let matched = |set: &str| format!("-m set --match-set {set} src");
    let mut rules = vec![
        format!(
            "{} -m comment --comment \"{COMMENT}\" -j RETURN",
            matched(&sets.never(family))
        ),
        format!("{} -j {target}", matched(&sets.name(family, 0))),
    ];
    for (scope, set) in ports {
        let matched = matched(&sets.name(family, scope));
        let comment = |at: usize| match at {
            // Comments have room for 255 bytes.
            0 if set.to_string().len() < 230 => {
                format!(" -m comment --comment \"p{scope} {set}\"")
            }
            _ => String::new(),
        };
        let mut all = Vec::new();
        for (protocol, range) in set.ranges() {
            let protocol = match (protocol, family) {
                (Protocol::Icmp, Family::V6) => "ipv6-icmp",
                (protocol, _) => protocol.name(),
            };
            // UDP-Lite has no match for ports of its own.
            let ports = match protocol {
                "icmp" | "ipv6-icmp" => String::new(),
                "udplite" => format!(" -m multiport --dports {}:{}", range.start(), range.end()),
                _ => format!(" --dport {}:{}", range.start(), range.end()),
            };
            all.push(format!("-p {protocol}{ports}"));
        }
        // Later fragments have no ports, and without its last one no packet is whole.
        all.push(match family {
            Family::V4 => "-f".to_owned(),
            Family::V6 => "-m frag --fraglast".to_owned(),
        });
        for (at, of) in all.into_iter().enumerate() {
            rules.push(format!("{of} {matched}{} -j {target}", comment(at)));
        }
    }
    rules
}

/// The number and the ports that a rule's comment says.
pub(super) fn ports_of(rule: &str) -> Option<(u8, &str)> {
    let (_, rest) = rule.split_once("--comment \"p")?;
    let (scope, rest) = rest.split_once(' ')?;
    let (ports, _) = rest.split_once('"')?;
    Some((scope.parse().ok()?, ports))
}

/// The chain anew, and jumps from these parents before all else there.
pub(super) fn table(options: &Options, rules: &[String], parents: &[String]) -> String {
    let chain = &options.chain;
    let mut script = format!("*filter\n:{chain} - [0:0]\n-F {chain}\n");
    for rule in rules {
        line(&mut script, format_args!("-A {chain} {rule}"));
    }
    for parent in parents {
        line(&mut script, format_args!("-I {parent} 1 -j {chain}"));
    }
    script + "COMMIT\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_ipset_writes_them() {
        for (line, set, net, seconds, jail) in [
            (
                "add banner4 192.0.2.7 timeout 59 comment \"sshd\"",
                "banner4",
                "192.0.2.7/32",
                Some(59),
                Some("sshd"),
            ),
            (
                "add banner6-p2 2001:db8::/64 timeout 0 comment \"-\"",
                "banner6-p2",
                "2001:db8::/64",
                Some(0),
                None,
            ),
            (
                "add banner4-never 10.0.0.0/8",
                "banner4-never",
                "10.0.0.0/8",
                None,
                None,
            ),
        ] {
            let (found, member) = Member::read(line).unwrap();
            assert_eq!((&*found, member.net.to_string()), (set, net.to_owned()));
            assert_eq!((member.seconds, member.jail.as_deref()), (seconds, jail));
        }
        assert_eq!(Member::read("create banner4 hash:net family inet"), None);
    }

    #[test]
    fn ports_are_learnt_from_the_comment_of_a_rule() {
        let rule = "-A banner -p tcp -m tcp --dport 22 -m set --match-set banner4-p1 src -m comment \
                    --comment \"p1 tcp/22,udp/53\" -j DROP";
        assert_eq!(ports_of(rule), Some((1, "tcp/22,udp/53")));
        assert_eq!(
            ports_of("-A banner -m comment --comment \"of banner\" -j RETURN"),
            None
        );
    }
}
