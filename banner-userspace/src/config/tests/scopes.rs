//! For which ports, and how much around an offender, jails ban.

use super::{assert_said, load, said};
use crate::config::Config;
use crate::model::PortsId;

/// A jail for each line of keys, `a` for the first.
fn jails(keys: &[&str]) -> String {
    let mut text = "jails:\n".to_owned();
    for (name, keys) in (b'a'..).zip(keys) {
        let name = char::from(name);
        text.extend([format!("  {name}: {{filter: sshd, logs: [/x], {keys}}}\n")]);
    }
    text
}

fn ports(config: &Config) -> Vec<String> {
    let names = config
        .jails
        .iter()
        .map(|jail| config.ports.name(jail.ports));
    names.collect()
}

#[test]
fn ports_are_numbers_ranges_and_services_and_equal_sets_are_one() {
    let main = jails(&[
        "ports: all",
        "ports: [22]",
        "ports: [ssh]",
        "ports: [udp/53, 8000-8100, icmp, tcp/domain, 8050-8200]",
        "ports: [udplite/0-65535, sctp/imaps, own]",
        "",
    ]);
    let services = "imaps 993/sctp\nown 4711/tcp\n";
    let config = load(&[("etc/banner.yaml", &main), ("/etc/services", services)])
        .expect("a good configuration");
    assert_eq!(
        ports(&config),
        [
            "all",
            "tcp/22",
            "tcp/22",
            "tcp/53,tcp/8000-8200,udp/53,icmp",
            "tcp/4711,sctp/993,udplite/0-65535",
            "all",
        ]
    );
    assert_eq!(config.jails[1].ports, config.jails[2].ports);
    assert_eq!(config.jails[5].ports, PortsId::ALL);
    assert_eq!(config.ports.iter().count(), 3);
}

#[test]
fn defaults_hold_for_ports_and_for_each_family_of_prefix() {
    let main = "defaults: {ports: [ssh], prefix: {ipv4: 24, ipv6: 64}}\n".to_owned()
        + &jails(&["", "ports: all, prefix: {ipv4: 32}", "prefix: {ipv6: 48}"]);
    let config = load(&[("etc/banner.yaml", &main)]).expect("a good configuration");
    assert_eq!(ports(&config), ["tcp/22", "all", "tcp/22"]);
    let lengths = config
        .jails
        .iter()
        .map(|jail| (jail.ipv4_length, jail.ipv6_length));
    assert_eq!(lengths.collect::<Vec<_>>(), [(24, 64), (32, 64), (24, 48)]);
    let main = jails(&["prefix: {ipv4: 8, ipv6: 16}", ""]);
    let config = load(&[("etc/banner.yaml", &main)]).expect("a good configuration");
    let lengths = config
        .jails
        .iter()
        .map(|jail| (jail.ipv4_length, jail.ipv6_length));
    assert_eq!(lengths.collect::<Vec<_>>(), [(8, 16), (32, 128)]);
}

#[test]
fn wrong_ports_are_refused_with_the_right_ones() {
    let item = "expected a port, a range of ports or the name of a service, found";
    let rows = [
        (
            "[]",
            "jails.a.ports: names no port; give one, or the word all",
        ),
        (
            "22",
            "jails.a.ports: expected the word all, or a list of ports, found the number 22; write [22]",
        ),
        (
            "ssh",
            "jails.a.ports: expected the word all, or a list of ports, found `ssh`; write [ssh]",
        ),
        (
            "{tcp: 22}",
            "jails.a.ports: expected the word all, or a list of ports such as [22], [ssh, 8000-8100] or [udp/53, icmp], found a mapping",
        ),
        (
            "[65536]",
            "jails.a.ports[0]: ITEM the number 65536; ports go from 0 to 65535",
        ),
        (
            "[-1]",
            "jails.a.ports[0]: ITEM the number -1; ports go from 0 to 65535",
        ),
        ("[90-80]", "jails.a.ports[0]: ITEM `90-80`; write 80-90"),
        (
            "[80-]",
            "jails.a.ports[0]: ITEM `80-`; a range is PORT-PORT, in numbers",
        ),
        (
            "[all]",
            "jails.a.ports[0]: ITEM `all`; for all leave out the brackets",
        ),
        (
            "[tcp]",
            "jails.a.ports[0]: ITEM `tcp`; for all ports of a protocol write tcp/0-65535",
        ),
        (
            "[icmp/8]",
            "jails.a.ports[0]: ITEM `icmp/8`; ICMP has no ports: write icmp",
        ),
        (
            "[esp/1]",
            "jails.a.ports[0]: ITEM `esp/1`; the protocols are tcp, udp, sctp, udplite, icmp",
        ),
        (
            "['22,80']",
            "jails.a.ports[0]: ITEM `22,80`; a range is PORT-PORT, in numbers",
        ),
        (
            "[sssh]",
            "jails.a.ports[0]: no service is named sssh; did you mean ssh?",
        ),
        (
            "[nothing]",
            "jails.a.ports[0]: no service is named nothing; write its port",
        ),
        (
            "[ntp]",
            "jails.a.ports[0]: ntp is no service of tcp; write udp/ntp",
        ),
    ];
    for (value, message) in rows {
        let main = format!("jails: {{a: {{filter: sshd, logs: [/x], ports: {value}}}}}");
        let column = if message.contains("ports[0]") { 47 } else { 46 };
        let line = format!("1:{column}: {}", message.replace("ITEM", item));
        assert_said(&[(&main, &[&line])]);
    }
}

#[test]
fn wrong_default_ports_are_reported_once_and_where_they_are() {
    let main = "defaults: {ports: [22, shs]}\n".to_owned() + &jails(&["", "", "ports: [shs]"]);
    assert_said(&[(
        &main,
        &[
            "1:24: defaults.ports[1]: no service is named shs; did you mean ssh?",
            "5:41: jails.c.ports[0]: no service is named shs; did you mean ssh?",
        ],
    )]);
}

#[test]
fn wrong_prefixes_are_refused_with_the_range() {
    for (value, message) in [
        (
            "{ipv4: 7, ipv6: 129}",
            &[
                "1:54: jails.a.prefix.ipv4: expected a whole number from 8 to 32, found the number 7",
                "1:63: jails.a.prefix.ipv6: expected a whole number from 16 to 128, found the number 129",
            ][..],
        ),
        (
            "24",
            &["1:47: jails.a.prefix: expected a mapping (key: value), found the number 24"],
        ),
        (
            "{v4: 24}",
            &["1:48: jails.a.prefix.v4: unknown key; did you mean ipv4?"],
        ),
        (
            "",
            &[
                "1:39: jails.a.prefix: has no value; give a mapping such as { ipv4: 24, ipv6: 64 }, or remove the key",
            ],
        ),
    ] {
        let main = format!("jails: {{a: {{filter: sshd, logs: [/x], prefix: {value}}}}}");
        assert_said(&[(&main, message)]);
    }
}

#[test]
fn more_than_63_different_sets_of_ports_are_refused() {
    let text = |count: usize| {
        let mut text = "jails:\n".to_owned();
        for n in 1..=count {
            text.extend([format!(
                "  j{n}: {{filter: sshd, logs: [/x], ports: [{n}]}}\n"
            )]);
        }
        text + "  same: {filter: sshd, logs: [/x], ports: [7]}\n"
    };
    let config = load(&[("etc/banner.yaml", &text(63))]).expect("a good configuration");
    assert_eq!(config.ports.iter().count(), 63);
    assert_eq!(
        said(&[("etc/banner.yaml", &text(64))]),
        [
            "etc/banner.yaml:65:42: jails.j64.ports: too many different sets of ports: 63 is the most; give jails the same ports where they can",
            "1 problem",
        ]
    );
}

#[test]
fn who_is_counted_together_is_banned_together() {
    let main = "defaults: {count_by: {ipv6: 64}, prefix: {ipv4: 24}}\n".to_owned()
        + &jails(&[
            "",
            "count_by: {ipv4: 16, ipv6: 56}, prefix: {ipv6: 48}",
            "count_by: {ipv6: 128}",
        ]);
    let config = load(&[("etc/banner.yaml", &main)]).unwrap_or_else(|why| panic!("{why}"));
    let lengths = config.jails.iter().map(|jail| {
        (
            [jail.count_ipv4_length, jail.count_ipv6_length],
            [jail.ipv4_length, jail.ipv6_length],
        )
    });
    assert_eq!(
        lengths.collect::<Vec<_>>(),
        [
            ([32, 64], [24, 64]),
            ([16, 56], [16, 48]),
            ([32, 128], [24, 128])
        ]
    );
}
