//! Configurations that load, and what they come to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::load;
use crate::config::{self, BanTime, InterfaceChoice, Interfaces};
use crate::filter::{Expect, Key};
use crate::model::{AttachMode, LogId, Mode, Way};

fn networks(list: &[ipnet::IpNet]) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_not_said_has_its_default() {
    let main = "jails: {a: {filter: sshd, logs: [/x]}}";
    let config = load(&[("etc/banner.yaml", main)]).expect("a good configuration");
    assert_eq!(config.interfaces, Interfaces::Auto);
    assert_eq!(config.enforce, [Way::Xdp]);
    assert!(config.ignore.is_empty());
    let limits = config.limits;
    assert_eq!(
        (limits.bans, limits.tracked, limits.line),
        (65_536, 100_000, 16_384)
    );
    let jail = &config.jails[0];
    assert_eq!(
        (jail.name.as_str(), jail.filter_name.as_str()),
        ("a", "sshd")
    );
    assert_eq!(jail.max_retry, 5);
    assert_eq!(jail.find_time, Duration::from_mins(10));
    assert_eq!(jail.ban_time, BanTime::For(Duration::from_hours(1)));
    assert_eq!(jail.mode, Mode::Enforce);
    assert!(jail.ignore.is_empty() && config.warnings.is_empty());
    assert_eq!(config.files, [PathBuf::from("etc/banner.yaml")]);
}

#[test]
fn every_key_has_its_effect() {
    let main = r#"
interfaces: [eth0, {name: wlan0}, {name: eth1, mode: native}, {mode: generic, name: eth2}]
enforce: [xdp]
ignore: [127.0.0.0/8, "::1", "::ffff:203.0.113.7"]
limits: { bans: 1, tracked: 2, line: 256 }
defaults: { max_retry: 7, find_time: 1h30m, ban_time: permanent, mode: observe }
jails:
  one:
    filter: sshd
    logs: [/var/log/a.log, /var/log/b/*.log]
  two:
    enabled: yes
    filter: { fail: ['<HOST>'] }
    logs:
      - /var/log/b/*.log
    max_retry: 3
    find_time: 90
    ban_time: 1d
    mode: enforce
    ignore: [192.0.2.0/24]
  three: { enabled: no, filter: sshd, logs: [/var/log/c.log] }
"#;
    let config = load(&[("etc/banner.yaml", main)]).expect("a good configuration");
    let choices = [
        ("eth0", AttachMode::Auto),
        ("wlan0", AttachMode::Auto),
        ("eth1", AttachMode::Native),
        ("eth2", AttachMode::Generic),
    ];
    let choices = choices.map(|(name, mode)| InterfaceChoice {
        name: name.into(),
        mode,
    });
    assert_eq!(config.interfaces, Interfaces::Named(choices.to_vec()));
    assert_eq!(
        networks(&config.ignore),
        ["127.0.0.0/8", "::1/128", "203.0.113.7/32"]
    );
    let limits = config.limits;
    assert_eq!((limits.bans, limits.tracked, limits.line), (1, 2, 256));
    assert_eq!(logs(&config), ["/var/log/a.log", "/var/log/b/*.log"]);

    let [one, two] = config.jails.as_slice() else {
        panic!("two jails are enabled: {:?}", config.jails);
    };
    assert_eq!(one.logs, [LogId(0), LogId(1)]);
    assert_eq!((one.max_retry, one.mode), (7, Mode::Observe));
    assert_eq!(one.find_time, Duration::from_mins(90));
    assert_eq!(one.ban_time, BanTime::Permanent);

    assert_eq!(
        (two.name.as_str(), two.filter_name.as_str()),
        ("two", "two")
    );
    assert_eq!(two.logs, [LogId(1)]);
    assert_eq!((two.max_retry, two.mode), (3, Mode::Enforce));
    assert_eq!(two.find_time, Duration::from_secs(90));
    assert_eq!(two.ban_time, BanTime::For(Duration::from_hours(24)));
    assert_eq!(networks(&two.ignore), ["192.0.2.0/24"]);
}

#[test]
fn included_files_add_jails_and_addresses_in_order_of_their_names() {
    let jail = |name: &str| format!("jails: {{{name}: {{filter: sshd, logs: [/x]}}}}\n");
    let main = jail("a")
        + "ignore: [192.0.2.1]\ninclude: [jails.d/*.yaml, none.d/*.yaml, jails.d/2.yaml]\n";
    let second = jail("c") + "ignore: [192.0.2.2]\n";
    let config = load(&[
        ("etc/banner.yaml", &main),
        ("etc/jails.d/2.yaml", &second),
        ("etc/jails.d/1.yaml", &jail("b")),
        ("etc/jails.d/3.yaml.disabled", "not: [read"),
    ])
    .expect("a good configuration");
    let names: Vec<&str> = config.jails.iter().map(|jail| jail.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(networks(&config.ignore), ["192.0.2.1/32", "192.0.2.2/32"]);
    assert_eq!(
        config.files,
        [
            "etc/banner.yaml",
            "etc/jails.d/1.yaml",
            "etc/jails.d/2.yaml"
        ]
        .map(PathBuf::from)
    );
}

#[test]
fn a_filter_is_read_and_compiled_once_and_one_in_filters_d_goes_before_the_built_in() {
    let main = "jails: {a: {filter: sshd, logs: [/x]}, b: {filter: sshd, logs: [/x]}}";
    let config = load(&[
        ("etc/banner.yaml", main),
        ("etc/filters.d/sshd.yaml", "fail: ['^ours <HOST>$']"),
    ])
    .expect("a good configuration");
    let filters = (config.jails.iter()).map(|jail| jail.filter.as_ref().map(Arc::as_ptr));
    let filters: Vec<_> = filters.collect();
    assert_eq!(filters[0], filters[1]);
    let own = PathBuf::from("etc/filters.d/sshd.yaml");
    assert_eq!(config.files.iter().filter(|path| **path == own).count(), 1);
}

#[test]
fn anchors_and_aliases_can_be_used() {
    let main = "jails:\n  a: &a {filter: sshd, logs: &logs [/x]}\n  b: *a\n  c: {filter: sshd, logs: *logs}\n";
    let config = load(&[("etc/banner.yaml", main)]).expect("a good configuration");
    assert_eq!(config.jails.len(), 3);
    assert_eq!(logs(&config), ["/x"]);
}

#[test]
fn what_leaves_nothing_to_do_is_worth_a_warning() {
    let warnings = |main: &str| {
        let config = load(&[("etc/banner.yaml", main)]).expect("a good configuration");
        let lines = config.warnings.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>()
    };
    let nothing = "jails: no jail is enabled, so nothing is watched";
    assert_eq!(
        warnings("jails:\n"),
        [format!("etc/banner.yaml:1:1: {nothing}")]
    );
    assert_eq!(
        warnings(
            "mode: &x 1\n"
                .replace("mode: &x 1", "jails: {a: {enabled: off}}")
                .as_str()
        ),
        [format!("etc/banner.yaml:1:8: {nothing}")]
    );
    assert_eq!(
        warnings("ignore: [0.0.0.0/0, \"::/0\"]\njails: {a: {filter: sshd, logs: [/x]}}"),
        [
            "etc/banner.yaml:1:10: ignore: 0.0.0.0/0 is all of IPv4: none of it is banned",
            "etc/banner.yaml:1:21: ignore: ::/0 is all of IPv6: none of it is banned",
        ]
    );
}

#[test]
fn where_bans_do_not_renew_is_worth_a_warning() {
    let warnings = |jail: &str| {
        let main = format!("jails: {{a: {{filter: sshd, logs: [/x], {jail}}}}}");
        let config = load(&[("etc/banner.yaml", &main)]).expect("a good configuration");
        let lines = config.warnings.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>()
    };
    assert_eq!(warnings("renew: true, enforce: [xdp]"), [""; 0]);
    assert_eq!(
        warnings("renew: false, enforce: [nftables], ban_time: permanent"),
        [""; 0]
    );
    assert_eq!(
        warnings("renew: true, enforce: [xdp, nftables, iptables]"),
        [
            "etc/banner.yaml:1:9: jails.a.renew: bans that are in nftables, iptables end at their time: \
             only xdp puts off the end while packets come"
        ]
    );
    assert_eq!(
        warnings("renew: true, ban_time: permanent"),
        ["etc/banner.yaml:1:9: jails.a.renew: does nothing where ban_time is permanent"]
    );
}

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn the_default_configuration_loads_from_disk_without_a_warning() {
    let config = config::load(&repository().join("config/banner.yaml"))
        .unwrap_or_else(|problems| panic!("{problems}"));
    assert!(config.warnings.is_empty(), "{:?}", config.warnings);
    assert_eq!(config.interfaces, Interfaces::Auto);
    let names: Vec<&str> = config.jails.iter().map(|jail| jail.name.as_str()).collect();
    assert_eq!(names, ["sshd"], "no example is in use");
    assert_eq!(logs(&config), ["/var/log/auth.log", "/var/log/secure"]);
}

#[test]
fn the_example_jail_loads_when_it_is_taken_into_use() {
    let example =
        std::fs::read_to_string(repository().join("config/jails.d/example.yaml.disabled"))
            .expect("the example");
    let config = load(&[
        ("etc/banner.yaml", "include: [jails.d/*.yaml]"),
        ("etc/jails.d/example.yaml", &example),
    ])
    .unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(config.jails.len(), 1);
}

#[test]
fn a_filter_alone_can_be_read_without_compiling_it() {
    let text = b"description: x\nfail: ['(']\nsamples: [{line: a, fail: '::ffff:192.0.2.7'}]\n";
    let spec = config::read_filter("own", Path::new("own.yaml"), text).expect("a filter");
    assert_eq!((spec.name.as_str(), spec.fail.len()), ("own", 1));
    let host = "192.0.2.7".parse().expect("an address");
    let expected = Expect::Fail(Key::Address(host));
    assert_eq!(spec.samples[0].expect, expected);
    let problems = config::read_filter("own", Path::new("own.yaml"), b"fail: x").expect_err("bad");
    assert_eq!(problems.count(), 1);
}

/// What is read, as it is shown.
fn logs(config: &crate::config::Config) -> Vec<String> {
    config.logs.iter().map(ToString::to_string).collect()
}

#[test]
fn a_log_may_be_another_source_than_files() {
    let main = r#"
jails:
  a:
    filter: sshd
    logs:
      - /var/log/x
      - { file: /var/log/y }
      - cri
      - { cri: "/logs/*/*.log" }
      - { cri: { namespace: shop, pod: "web-*" } }
      - { cri: { container: nginx } }
      - docker
      - { docker: { container: "web*" } }
      - { docker: "/d/*/*-json.log" }
      - { fifo: /run/lines }
      - { syslog: 'udp://127.0.0.1' }
      - { syslog: { listen: 'tcp://[::]:1514', from: [192.0.2.0/24, '2001:db8::/32'] } }
      - { syslog: unix:///run/x }
      - { journal: [_COMM=a _UID=0 + _COMM=b, _PID=1] }
      - { journal: { match: [], directory: /j } }
      - journal
      - stdin
"#;
    let config = load(&[("etc/banner.yaml", main)]).expect("a good configuration");
    assert_eq!(
        logs(&config),
        [
            "/var/log/x",
            "/var/log/y",
            "cri /var/log/pods/*/*/*.log",
            "cri /logs/*/*.log",
            "cri /var/log/pods/shop_web-*_*/*/*.log",
            "cri /var/log/pods/*_*_*/nginx/*.log",
            "docker /var/lib/docker/containers/*/*-json.log",
            "docker /var/lib/docker/containers/*/*-json.log of web*",
            "docker /d/*/*-json.log",
            "fifo /run/lines",
            "syslog udp://127.0.0.1:514",
            "syslog tcp://[::]:1514 from 192.0.2.0/24, 2001:db8::/32",
            "syslog unix:///run/x",
            "journal: _COMM=a _UID=0 + _COMM=b + _PID=1",
            "journal in /j",
            "journal: _SYSTEMD_UNIT=ssh.service + _SYSTEMD_UNIT=sshd.service + _COMM=sshd _UID=0 + _COMM=sshd-session _UID=0 + _COMM=sshd-auth _UID=0",
            "stdin",
        ]
    );
}
