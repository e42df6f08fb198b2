//! Values that have the right shape and are wrong all the same.

use super::assert_said;

#[test]
fn wrong_addresses_are_refused_with_the_right_one() {
    assert_said(&[
        (
            "ignore: [192.0.2.7/24]",
            &[
                "1:10: ignore[0]: expected an address or prefix, found `192.0.2.7/24`; write 192.0.2.0/24 for the network, or 192.0.2.7 for this host",
            ],
        ),
        (
            "ignore: [10.0.0.0/255.0.0.0]",
            &[
                "1:10: ignore[0]: expected an address or prefix, found `10.0.0.0/255.0.0.0`; write 10.0.0.0/8",
            ],
        ),
        (
            "ignore: [192.0.2.0/33, office.example.org, 1]",
            &[
                "1:10: ignore[0]: expected an address or prefix, found `192.0.2.0/33`; the prefix length must not be more than 32",
                "1:24: ignore[1]: expected an address or prefix, found `office.example.org`; a name belongs to `ignore_names` of the main file",
                "1:44: ignore[2]: expected an address or prefix such as 192.0.2.7, 192.0.2.0/24 or \"2001:db8::/32\", found the number 1",
            ],
        ),
        (
            "ignore: [::1]",
            &[
                "1:10: not valid YAML: did not find expected node content, while parsing a flow node; put an IPv6 address in quotes: \"::1\"",
            ],
        ),
        (
            "ignore: [127.0.0.1, fe80::]",
            &[
                "1:26: not valid YAML: found unexpected ':', while scanning a plain scalar at line 1 column 21; put an IPv6 address in quotes: \"::1\"",
            ],
        ),
        (
            "ignore:\n  - 127.0.0.1\n  - fe80::\n",
            &[
                "3:5: ignore[1]: expected an address or prefix, found a mapping; put an IPv6 address in quotes: \"fe80::\"",
            ],
        ),
        (
            "ignore: [\"[::1]\", 'fe80::1%eth0', '']",
            &[
                "1:10: ignore[0]: expected an address or prefix, found `[::1]`; leave out the brackets",
                "1:19: ignore[1]: expected an address or prefix, found `fe80::1%eth0`; leave out the % and what follows",
                "1:35: ignore[2]: expected an address or prefix such as 192.0.2.7, 192.0.2.0/24 or \"2001:db8::/32\", found an empty text",
            ],
        ),
        (
            "ignore: 127.0.0.1",
            &[
                "1:9: ignore: expected a list of addresses and prefixes, found `127.0.0.1`; write [127.0.0.1]",
            ],
        ),
        (
            "jails:\n  a:\n    filter: sshd\n    logs: [/x]\n    ignore: [192.0.2.7/31]\n",
            &[
                "5:14: jails.a.ignore[0]: expected an address or prefix, found `192.0.2.7/31`; write 192.0.2.6/31 for the network, or 192.0.2.7 for this host",
            ],
        ),
    ]);
}

#[test]
fn wrong_durations_are_refused_with_what_to_write() {
    assert_said(&[
        (
            "defaults: {ban_time: 1:30}",
            &[
                "1:22: defaults.ban_time: expected the word permanent or a duration, found `1:30`; times are not written with a colon: 1h30m, or 1m30s",
            ],
        ),
        (
            "defaults: {find_time: 10min}",
            &[
                "1:23: defaults.find_time: expected a duration, found `10min`; the units are s, m, h, d and w",
            ],
        ),
        (
            "defaults: {find_time: 0}",
            &[
                "1:23: defaults.find_time: expected a duration, found the number 0; it must be longer than zero",
            ],
        ),
        (
            "defaults: {ban_time: -1}",
            &[
                "1:22: defaults.ban_time: expected the word permanent or a duration, found the number -1; for a ban without end write permanent",
            ],
        ),
        (
            "defaults: {find_time: -1}",
            &[
                "1:23: defaults.find_time: expected a duration, found the number -1; it must not be negative",
            ],
        ),
        (
            "defaults: {ban_time: 20000d}",
            &[
                "1:22: defaults.ban_time: expected the word permanent or a duration, found `20000d`; longer than 10 years: write permanent",
            ],
        ),
        (
            "defaults: {find_time: 20000d}",
            &[
                "1:23: defaults.find_time: expected a duration, found `20000d`; it must not be longer than 10 years",
            ],
        ),
        (
            "defaults: {find_time: permanent}",
            &[
                "1:23: defaults.find_time: expected a duration such as 90s, 10m, 1h30m, 1d or 2w, found `permanent`",
            ],
        ),
        (
            "defaults: {ban_time: 1.5}",
            &[
                "1:22: defaults.ban_time: expected the word permanent or a duration such as 10m, 1h30m, 1d or 2w, found the number 1.5",
            ],
        ),
        (
            "defaults: {ban_time: 99999999999999999999999999}",
            &[
                "1:22: defaults.ban_time: expected the word permanent or a duration, found the number 99999999999999999999999999; longer than 10 years: write permanent",
            ],
        ),
        (
            "defaults: {ban_time: 30m1h}",
            &[
                "1:22: defaults.ban_time: expected the word permanent or a duration, found `30m1h`; write each unit once, the longest first",
            ],
        ),
    ]);
}

#[test]
fn numbers_out_of_range_are_refused_with_the_range() {
    assert_said(&[
        (
            "defaults: {max_retry: 0}",
            &[
                "1:23: defaults.max_retry: expected a whole number from 1 to 1000, found the number 0",
            ],
        ),
        (
            "defaults: {max_retry: 1001}",
            &[
                "1:23: defaults.max_retry: expected a whole number from 1 to 1000, found the number 1001",
            ],
        ),
        (
            "defaults: {max_retry: -3}",
            &[
                "1:23: defaults.max_retry: expected a whole number from 1 to 1000, found the number -3",
            ],
        ),
        (
            "defaults: {max_retry: 2.5}",
            &[
                "1:23: defaults.max_retry: expected a whole number from 1 to 1000, found the number 2.5",
            ],
        ),
        (
            "defaults: {max_retry: '3'}",
            &["1:23: defaults.max_retry: expected a whole number from 1 to 1000, found `3`"],
        ),
        (
            "limits: {bans: 0, tracked: 0, line: 255}",
            &[
                "1:16: limits.bans: expected a whole number from 1 to 4194304, found the number 0",
                "1:28: limits.tracked: expected a whole number from 1 to 10000000, found the number 0",
                "1:37: limits.line: expected a whole number from 256 to 1048576, found the number 255",
            ],
        ),
        (
            "limits: {bans: 4194305}",
            &[
                "1:16: limits.bans: expected a whole number from 1 to 4194304, found the number 4194305",
            ],
        ),
    ]);
}

#[test]
fn wrong_words_are_refused_with_the_right_ones() {
    assert_said(&[
        (
            "defaults: {mode: report}",
            &["1:18: defaults.mode: expected enforce or observe, found `report`"],
        ),
        (
            "enforce: []",
            &["1:10: enforce: needs at least one way, as in [xdp]"],
        ),
        (
            "enforce: [xdp, xdp]",
            &["1:16: enforce[1]: given twice; first at etc/banner.yaml:1:11"],
        ),
        (
            "enforce: xdp",
            &["1:10: enforce: expected a list of ways to drop packets, found `xdp`; write [xdp]"],
        ),
        (
            "interfaces: []",
            &["1:13: interfaces: names no interface; give one, or the word auto"],
        ),
        (
            "interfaces:\n",
            &[
                "1:1: interfaces: has no value; give a list of interface names, or the word auto, or remove the key",
            ],
        ),
        (
            "interfaces: eth0",
            &[
                "1:13: interfaces: expected a list of interface names, or the word auto, found `eth0`; write [eth0]",
            ],
        ),
        (
            "interfaces: [auto]",
            &[
                "1:14: interfaces[0]: expected the name of an interface, found `auto`; for auto leave out the brackets",
            ],
        ),
        (
            "interfaces: [eth0, eth1, eth0]",
            &["1:26: interfaces[2]: given twice; first at etc/banner.yaml:1:14"],
        ),
        (
            "interfaces: [eth0, {name: eth1, mode: native}, {name: eth1}, {mode: auto}, {name: a/b}]",
            &[
                "1:62: interfaces[3]: name is missing; give the name of an interface",
                "1:83: interfaces[4].name: expected the name of an interface, found `a/b`; such names have no slash, colon or space",
            ],
        ),
        (
            "interfaces: [{name: eth1, mode: native}, eth1]",
            &["1:42: interfaces[1]: given twice; first at etc/banner.yaml:1:14"],
        ),
        (
            "interfaces: [{name: eth1, mode: offload, ifindex: 3}]",
            &[
                "1:33: interfaces[0].mode: expected auto or native or generic, found `offload`",
                "1:42: interfaces[0].ifindex: unknown key; the keys of an interface are name, mode",
            ],
        ),
        (
            "interfaces: {name: eth1}",
            &[
                "1:13: interfaces: expected a list of interface names, or the word auto, found a mapping; put it in a list: [{name: eth0}]",
            ],
        ),
        (
            "interfaces: [averylonginterfacename, 'a b', a/b, '', 5]",
            &[
                "1:14: interfaces[0]: expected the name of an interface, found `averylonginterfacename`; such names have at most 15 bytes",
                "1:38: interfaces[1]: expected the name of an interface, found `a b`; such names have no slash, colon or space",
                "1:45: interfaces[2]: expected the name of an interface, found `a/b`; such names have no slash, colon or space",
                "1:50: interfaces[3]: expected the name of an interface, found an empty text",
                "1:54: interfaces[4]: expected the name of an interface, found the number 5; put it in quotes if it is meant",
            ],
        ),
        (
            "jails: {a: {enabled: maybe, filter: sshd, logs: [/x]}}",
            &["1:22: jails.a.enabled: expected true or false, found `maybe`"],
        ),
    ]);
}

#[test]
fn wrong_jails_are_refused() {
    assert_said(&[
        (
            "jails: {a: {}}",
            &[
                "1:9: jails.a: filter is missing; give the name of a filter, or the filter itself",
                "1:9: jails.a: logs is missing; give a list of absolute paths or patterns such as /var/log/auth.log or /var/log/nginx/*.log",
            ],
        ),
        (
            "jails:\n  a:\n",
            &[
                "2:3: jails.a: filter is missing; give the name of a filter, or the filter itself",
                "2:3: jails.a: logs is missing; give a list of absolute paths or patterns such as /var/log/auth.log or /var/log/nginx/*.log",
            ],
        ),
        (
            "jails: {a: {filter: sshd, logs: []}}",
            &["1:33: jails.a.logs: needs at least one log"],
        ),
        (
            "jails: {a: {filter: sshd, logs: }}",
            &["1:27: jails.a.logs: needs at least one log"],
        ),
        (
            "jails: {a: {filter: sshd, logs: /var/log/x}}",
            &[
                "1:33: jails.a.logs: expected a list of absolute paths or patterns, found `/var/log/x`; write [/var/log/x]",
            ],
        ),
        (
            "jails: {a: {filter: sshd, logs: [x.log, /var/log/, /x, /x]}}",
            &[
                "1:34: jails.a.logs[0]: expected an absolute path or pattern, found `x.log`; it must begin with a /",
                "1:41: jails.a.logs[1]: expected an absolute path or pattern, found `/var/log/`; this is a folder: name its files, as in /var/log/nginx/*.log",
            ],
        ),
        (
            "jails: {a: {filter: sshd, logs: [fifo, {fifo: x}, {}, {fifo: /x, cri: /y}, {cri: {pod: a/b}}, {fila: /x}, 1]}}",
            &[
                "1:34: jails.a.logs[0]: expected an absolute path or pattern, found `fifo`; for this source write {fifo: …}",
                "1:47: jails.a.logs[1].fifo: expected an absolute path or pattern, found `x`; it must begin with a /",
                "1:51: jails.a.logs[2]: needs exactly one of file, journal, syslog, cri, docker, fifo",
                "1:55: jails.a.logs[3]: needs exactly one of file, journal, syslog, cri, docker, fifo",
                "1:88: jails.a.logs[4].cri.pod: expected a name or pattern, found `a/b`; such names have letters, digits, dots, underscores and hyphens",
                "1:96: jails.a.logs[5].fila: unknown key; did you mean file?",
                "1:107: jails.a.logs[6]: expected an absolute path or pattern, found the number 1; put it in quotes if it is meant",
            ],
        ),
        (
            "jails: {a: {filter: {fail: ['^<HOST>$']}, logs: [journal, {journal: [a, A=b +]}, {journal: {directory: x}}]}}",
            &[
                "1:70: jails.a.logs[1].journal[0]: expected FIELD=VALUE, found `a`; `a` is no FIELD=VALUE, as in _SYSTEMD_UNIT=ssh.service",
                "1:73: jails.a.logs[1].journal[1]: expected FIELD=VALUE, found `A=b +`; there is nothing before or behind a +",
                "1:104: jails.a.logs[2].journal.directory: expected an absolute path or pattern, found `x`; it must begin with a /",
            ],
        ),
        (
            "jails: {a: {filter: {fail: ['^<HOST>$']}, logs: [journal]}}",
            &[
                "1:50: jails.a.logs: its filter does not say what of the journal it is about; write it here, as in {journal: [_SYSTEMD_UNIT=ssh.service]}",
            ],
        ),
        (
            "jails: {a: {filter: sshd, logs: [{syslog: 'udp://0.0.0.0:1'}, {syslog: 'x'}, {syslog: 'tcp://h:1'}, {syslog: 'unix://x'}]}}",
            &[
                "1:43: jails.a.logs[0].syslog: who can send to this address could have anybody banned; say from whom messages are taken, as in {listen: …, from: [192.0.2.0/24]}",
                "1:72: jails.a.logs[1].syslog: expected where to listen, found `x`; it must begin with udp://, tcp://, unix:// or unix-stream://",
                "1:87: jails.a.logs[2].syslog: expected where to listen, found `tcp://h:1`; write an address and a port, as in [::]:514",
                "1:110: jails.a.logs[3].syslog: expected where to listen, found `unix://x`; write an absolute path, as in unix:///run/banner/log",
            ],
        ),
        (
            "jails: {a b: {filter: sshd, logs: [/x]}}",
            &[
                "1:9: jails.a b: not a name for a jail; it must have 1 to 64 letters, digits, dots, underscores and hyphens",
            ],
        ),
        (
            "jails: {'': {filter: sshd, logs: [/x]}}",
            &[
                "1:9: jails.'': not a name for a jail; it must have 1 to 64 letters, digits, dots, underscores and hyphens",
            ],
        ),
        (
            "jails: {a: {filter: ../sshd, logs: [/x]}}",
            &[
                "1:21: jails.a.filter: expected the name of a filter, or the filter itself, found `../sshd`; a filter is named without folder and .yaml",
            ],
        ),
        (
            "jails: {a: {filter: a..b, logs: [/x]}}",
            &[
                "1:21: jails.a.filter: expected the name of a filter, or the filter itself, found `a..b`; a name has 1 to 64 letters, digits, dots, underscores and hyphens, no leading dot and no two dots in a row",
            ],
        ),
        (
            "jails: {a: {filter: shsd, logs: [/x]}}",
            &["1:21: jails.a.filter: no filter is named shsd; did you mean sshd?"],
        ),
        (
            "jails: {a: {filter: 7, logs: [/x]}}",
            &[
                "1:21: jails.a.filter: expected the name of a filter, or the filter itself, found the number 7",
            ],
        ),
        (
            "jails:\n  a: {filter: sshd, logs: [/x]}\n  a: {filter: sshd, logs: [/y]}\n",
            &["3:3: jails.a: a jail of this name was given before, at etc/banner.yaml:2:3"],
        ),
    ]);
}
