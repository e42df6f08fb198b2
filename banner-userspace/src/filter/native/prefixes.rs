//! The prefixes that every configuration has.

/// What syslog writes before a message of `$program`.
macro_rules! syslog {
    ($program:literal) => {
        concat!(
            r"(?:<[0-9]{1,3}>)?(?:",
            // RFC 5424: VERSION STAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA MSG
            r"[1-9][0-9]? (?:<STAMP>|-) \S+ (?:",
            $program,
            r") \S+ \S+ ",
            r#"(?:-|(?:\[(?:[^\]"\\]|"(?:[^"\\]|\\.)*")*\])+) {1,2}(?:\xef\xbb\xbf)?"#,
            // STAMP HOST FACILITY.SEVERITY TAG[PID]: [ID NUMBER FACILITY.SEVERITY] MSG
            // A host ends in no colon: otherwise another program's tag could pass for one.
            r"|(?:<STAMP> )?(?:\S*[^\s:] )?(?:[a-z0-9]+\.[a-z]+ )?",
            r"(?:/(?:[^\s:\[\]]+/)*)?(?:",
            $program,
            r")(?:\[[0-9]+\])?: ",
            r"(?:\[ID [0-9]+ [a-z0-9]+\.[a-z]+\] )?",
            r")",
        )
    };
}

/// The prefixes that every configuration has, by name.
///
/// - `syslog` takes RFC 5424, RFC 3164 and ISO stamps, as written by syslog daemons (busybox's and
///   Solaris' forms included) and by `journalctl -o short`; stamp, host and pid may each be missing.
/// - `line`: none, the whole line is the message. For logs whose stamp does not come first; patterns
///   can have `<STAMP>` in them.
/// - `stamp`: syslog, or a stamp of any known form, bare or in brackets, and a space: what many
///   programs and multilog write.
/// - `apache-error`, `nginx-error`, `proftpd`, `exim`, `mysql` and so on: the daemons' own logs, or what
///   they send to syslog. Who connected is part of the message.
pub const BUILTIN_PREFIXES: &[(&str, &str)] = &[
    ("syslog", concat!("^", syslog!("<PROGRAM>"))),
    ("line", "^"),
    (
        "stamp",
        concat!("^(?:", syslog!("<PROGRAM>"), r"|(?:\[<STAMP>\]|<STAMP>) )"),
    ),
    (
        "apache-error",
        concat!(
            r"^(?:\[<STAMP>\] |",
            syslog!("apache2|httpd|mod_evasive"),
            // [MODULE:LEVEL] [pid PID:tid TID] FILE(LINE): (ERRNO)ERROR:
            r")(?:\[[a-z0-9_]*:[a-z0-9]+\] )?(?:\[pid [0-9]+(?::tid [0-9]+)?\] )?",
            r"(?:[A-Za-z0-9_.]+\([0-9]+\): )?(?:\([0-9]+\)[^:\[\]]*: )?",
        ),
    ),
    (
        "nginx-error",
        concat!(
            r"^(?:",
            syslog!("nginx"),
            // STAMP [LEVEL] PID#TID: *CONNECTION
            r")?<STAMP> \[[a-z]+\] [0-9]+#[0-9]+: (?:\*[0-9]+ )?",
        ),
    ),
    (
        "dovecot",
        concat!(r"^(?:", syslog!("dovecot"), r"|<STAMP> )"),
    ),
    (
        "roundcube",
        concat!(
            r"^(?:",
            syslog!("roundcube"),
            // [STAMP]: <SESSION>
            r"|\[<STAMP>\]: )(?:<[0-9a-z]+> )?",
        ),
    ),
    ("sogo", r"^<STAMP> (?:\S+ )?sogod ?\[[0-9:a-fx]+\]:? "),
    (
        "asterisk",
        concat!(
            r"^(?:",
            syslog!("asterisk"),
            // [STAMP] LEVEL[THREAD][CALL]: FILE:LINE FUNCTION:
            r"|\[<STAMP>\] )?[A-Z]+ ?\[[0-9]+\](?:\[C-[0-9a-f]+\])?:? ",
            r"(?:[a-z0-9_./]+\.c:(?:[0-9]+ (?:in )?[a-z0-9_]+:)?|Ext\. [^\s:]+(?::[0-9]+)?(?: in @ [^\s:]+)?:) ",
        ),
    ),
    (
        "freeswitch",
        // UUID STAMP IDLE% [LEVEL] FILE:LINE
        concat!(
            r"^(?:",
            syslog!("freeswitch"),
            r")?(?:[0-9a-f-]{36} )?<STAMP> (?:[0-9.]+% )?\[[A-Z]+\] [a-z0-9_]+\.c:[0-9]+ ",
        ),
    ),
    (
        "postgresql",
        // STAMP ZONE [PID] or STAMP [PID]
        concat!(
            r"^(?:",
            syslog!("postgres(?:ql)?"),
            r"(?:\[[0-9]+-[0-9]+\] )?|<STAMP>(?: [A-Z+0-9-]{2,6})? )",
            r"(?:\[[0-9]+\](?::? \[[0-9-]+\])?:? )?",
        ),
    ),
    (
        "named",
        concat!(
            r"^(?:",
            syslog!("named"),
            // STAMP CATEGORY: SEVERITY:
            r"|<STAMP> )(?:[a-z-]+: )?(?:(?:critical|error|warning|notice|info|debug [0-9]+): )?",
        ),
    ),
    (
        "openvpn",
        concat!(
            r"^(?:",
            syslog!(r"(?:ovpn-[^\s:\[\]]+|openvpn(?:@[^\s:\[\]]+)?)"),
            r"|<STAMP> )(?:us=[0-9]+ )?",
        ),
    ),
    (
        "kernel",
        // SYSLOG [UPTIME], or what dmesg says
        concat!(
            r"^(?:",
            syslog!("kernel"),
            r"(?:\[ *[0-9]+\.[0-9]+\] )?|\[ *[0-9]+\.[0-9]+\] )",
        ),
    ),
    (
        "vaultwarden",
        concat!(
            r"^(?:",
            syslog!("vaultwarden|bitwarden_rs"),
            // [STAMP][MODULE][LEVEL]
            r")?\[<STAMP>\]\[[a-z0-9_:]+\]\[[A-Z]+ *\] ",
        ),
    ),
    (
        "exim",
        concat!(
            r"^(?:",
            syslog!("exim4?"),
            r"(?:<STAMP> )?|<STAMP> )",
            // [PID] MESSAGE-ID
            r"(?:\[[0-9]+\] )?(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4} )?",
        ),
    ),
    (
        "mysql",
        concat!(
            r"^(?:",
            syslog!("mysqld|mysqld_safe|mariadbd"),
            r")?(?:<STAMP> +|[0-9]{4}-[0-9]{2}-[0-9]{2}  [0-9](?::[0-9]{2}){2} +)?(?:[0-9]+ +)?",
            // [LEVEL] [CODE] [SUBSYSTEM]
            r"\[[A-Za-z]+\] (?:\[MY-[0-9]+\] )?(?:\[[A-Za-z]+\] )?",
        ),
    ),
    (
        "proftpd",
        concat!(
            r"^(?:",
            syslog!("proftpd"),
            r"|<STAMP> (?:\S+ )?proftpd\[[0-9]+\]:? )",
        ),
    ),
];

#[cfg(test)]
mod tests {
    use crate::filter::{
        FilterSpec, Prefixes,
        native::{Prefix, prefix::Remembered},
        stamp,
    };

    fn message(name: &str, line: &str) -> String {
        let spec = FilterSpec {
            prefix: Some(name.into()),
            ..FilterSpec::default()
        };
        let prefix = Prefix::compile(&spec, &Prefixes::default(), stamp::PATTERN)
            .unwrap()
            .unwrap();
        let message = prefix.split(line.as_bytes(), &mut Remembered::default()).1;
        String::from_utf8_lossy(message).into_owned()
    }

    #[test]
    fn every_prefix_is_taken_off_in_all_its_forms() {
        for (name, line) in [
            ("line", "hello"),
            ("stamp", "2026-11-20T10:00:00Z hello"),
            ("stamp", "[2026-11-20 10:00:00,123] hello"),
            ("stamp", "Nov 20 10:00:00 host app[1]: hello"),
            (
                "apache-error",
                "Nov 20 10:00:00 host httpd[1]: [core:error] [pid 1:tid 2] hello",
            ),
            ("stamp", "Fri Nov 20 10:00:00 2026 hello"),
            ("stamp", "@4000000065abcdef12345678 hello"),
            (
                "apache-error",
                "[Fri Nov 20 10:00:00.123456 2026] [core:error] [pid 1:tid 2] (2)No such file: hello",
            ),
            ("nginx-error", "2026/11/20 10:00:00 [error] 12#12: *3 hello"),
            (
                "nginx-error",
                "<187>Nov 20 10:00:00 host nginx: 2026/11/20 10:00:00 [error] 1#1: hello",
            ),
            ("roundcube", "[20-Nov-2026 10:00:00 +0000]: <abc1> hello"),
            ("named", "20-Nov-2026 10:00:00.123 security: info: hello"),
            ("openvpn", "Fri Nov 20 10:00:00 2026 hello"),
            ("mysql", "261120 10:00:00 [Warning] hello"),
            ("exim", "2026-11-20 10:00:00.123 +0100 [123] hello"),
            ("apache-error", "Nov 20 10:00:00 host mod_evasive[1]: hello"),
            ("proftpd", "2026-11-20 10:00:00,123 host proftpd[123] hello"),
            ("proftpd", "Nov 20 10:00:00 host proftpd[123]: hello"),
            ("dovecot", "Nov 20 10:00:00 host dovecot: hello"),
            ("dovecot", "2026-11-20 10:00:00 hello"),
            ("roundcube", "Nov 20 10:00:00 host roundcube: <abc1> hello"),
            ("sogo", "Nov 20 10:00:00 sogod [123]: hello"),
            ("sogo", "2026-11-20 10:00:00.123 sogod[123:456] hello"),
            (
                "asterisk",
                "[2026-11-20 10:00:00] NOTICE[1][C-0000002a]: chan_sip.c:1 f: hello",
            ),
            ("asterisk", "[Nov 20 10:00:00] NOTICE[1] chan_sip.c: hello"),
            (
                "asterisk",
                "Nov 20 10:00:00 host asterisk[9]: SECURITY[1]: a.c:1 in f: hello",
            ),
            (
                "freeswitch",
                "2026-11-20 10:00:00.123456 [WARNING] sofia_reg.c:1 hello",
            ),
            (
                "freeswitch",
                "2026-11-20 10:00:00.123456 98.50% [WARNING] sofia_reg.c:1 hello",
            ),
            ("postgresql", "2026-11-20 10:00:00.123 UTC [123] hello"),
            ("postgresql", "2026-11-20 10:00:00 CET [123]: [1-1] hello"),
            (
                "postgresql",
                "Nov 20 10:00:00 host postgres[123]: [3-1] hello",
            ),
            ("named", "Nov 20 10:00:00 host named[123]: hello"),
            ("openvpn", "2026-11-20 10:00:00 us=123 hello"),
            ("openvpn", "Nov 20 10:00:00 host ovpn-server[1]: hello"),
            (
                "kernel",
                "Nov 20 10:00:00 host kernel: [   12.345678] hello",
            ),
            ("kernel", "[   12.345678] hello"),
            (
                "vaultwarden",
                "[2026-11-20 10:00:00.123][vaultwarden::api][ERROR] hello",
            ),
            ("exim", "2026-11-20 10:00:00 [123] hello"),
            ("exim", "2026-11-20 10:00:00 1tDrXX-000000001Xx-1AbC hello"),
            ("exim", "2026-11-20 10:00:00 1tDrXX-0001Xx-1A hello"),
            (
                "exim",
                "Nov 20 10:00:00 host exim4[1]: 2026-11-20 10:00:00 hello",
            ),
            ("mysql", "2026-11-20 10:00:00 45 [Warning] hello"),
            (
                "mysql",
                "2026-11-20T10:00:00.123456Z 45 [Note] [MY-010926] [Server] hello",
            ),
            (
                "mysql",
                "Nov 20 10:00:00 host mariadbd[1]: 2026-11-20 10:00:00 4 [Warning] hello",
            ),
        ] {
            assert_eq!(message(name, line), "hello", "{name}: {line}");
        }
    }

    #[test]
    fn a_prefix_inside_the_message_stays() {
        for (name, line) in [
            (
                "apache-error",
                "Nov 20 10:00:00 host app: httpd[1]: [core:error] hello",
            ),
            ("kernel", "Nov 20 10:00:00 host app: kernel: hello"),
            ("proftpd", "Nov 20 10:00:00 host app: proftpd[1]: hello"),
            (
                "vaultwarden",
                "x [2026-11-20 10:00:00.123][vaultwarden::api][ERROR] hello",
            ),
        ] {
            assert_eq!(message(name, line), line, "{name}");
        }
    }
}
