//! Ways to drop packets.

use std::time::Duration;

use super::{assert_said, load};
use crate::model::{Hook, Way};

#[test]
fn what_is_wrong_with_a_way_is_said() {
    assert_said(&[
        (
            "enforce: [ebpf]",
            &[
                "1:11: enforce[0]: expected a way to drop packets, found `ebpf`; there are xdp, \
                 nftables, iptables, hosts-deny, and {command: {name: …, ban: …, unban: …}}",
            ],
        ),
        (
            "enforce: [{nftables: {hook: input}}]",
            &["1:23: enforce[0].nftables.hook: unknown key; did you mean hooks?"],
        ),
        (
            "enforce: [{nftables: {hooks: [ingress]}}]",
            &[
                "1:22: enforce[0].nftables: devices and the hook ingress belong together: packets \
                 are looked at where these interfaces take them up",
            ],
        ),
        (
            "enforce: [{iptables: {target: LOG, reject_with: net-unreachable}}]",
            &[
                "1:49: enforce[0].iptables.reject_with: says what the target REJECT answers; the \
                 target is another one",
            ],
        ),
        (
            "enforce: [{nftables: {}, iptables: {}}]",
            &[
                "1:11: enforce[0]: expected one way with its options, as in {nftables: {hooks: \
                 [input]}}; each way is an item of its own",
            ],
        ),
        (
            "enforce: [{command: {name: nftables, ban: [x], unban: []}}]",
            &[
                "1:28: enforce[0].command.name: not a name for a command; it must have 1 to 64 \
                 letters, digits, dots, underscores and hyphens, and be no way's own",
                "1:55: enforce[0].command: unban is empty; give a program",
            ],
        ),
        (
            "enforce: [{nftables: {priority: 5}}]\njails: {a: {filter: sshd, logs: [/x], enforce: \
             [{nftables: {}}, fw]}}",
            &[
                "2:49: jails.a.enforce[0]: nftables has other options in the main file; there can \
                 be one of each name: name it here without options",
                "2:65: jails.a.enforce[1]: no way to drop packets is named fw: there are xdp, \
                 nftables, iptables, hosts-deny, and the commands of the main file's enforce",
            ],
        ),
    ]);
}

#[test]
fn ways_have_options_and_jails_their_own() {
    let main = "\
enforce:
- xdp
- {nftables: {hooks: [input, forward], priority: -5, verdict: reject}}
- {command: {name: fw, ban: [/fw, add, '%{net}'], unban: [/fw, del, '%{net}'], timeout: 3s}}
jails:
  a: {filter: sshd, logs: [/x]}
  b: {filter: sshd, logs: [/x], enforce: [fw, nftables, hosts-deny]}
";
    let config = load(&[("etc/banner.yaml", main)]).expect("a good configuration");
    let names =
        |ways: &[Way]| -> Vec<String> { ways.iter().map(|way| way.name().to_owned()).collect() };
    assert_eq!(names(&config.enforce), ["xdp", "nftables", "fw"]);
    assert_eq!(config.jails[0].enforce, config.enforce);
    assert_eq!(
        names(&config.jails[1].enforce),
        ["fw", "nftables", "hosts-deny"]
    );
    assert_eq!(config.jails[1].enforce[1], config.enforce[1]);
    let Way::Nftables(nftables) = &config.enforce[1] else {
        panic!("{:?}", config.enforce);
    };
    assert_eq!(
        (&*nftables.hooks, nftables.priority),
        (&[Hook::Input, Hook::Forward][..], -5)
    );
    let Way::Command(command) = &config.enforce[2] else {
        panic!("{:?}", config.enforce);
    };
    assert_eq!(command.ban, ["/fw", "add", "%{net}"]);
    assert_eq!(command.within, Duration::from_secs(3));
}
