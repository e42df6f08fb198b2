//! The mappings of the configuration, and the keys that each may have.

use super::log_keys::{CRI_SECTION, DOCKER_SECTION, JOURNAL_SECTION, LOG_SECTION, SYSLOG_SECTION};
use super::notify::settings::{
    DIGEST_SECTION, JAIL_NOTIFY, MAIL_SECTION, NOTIFY, ROUTE_SECTION, SMTP_SECTION, TARGET_SECTION,
    WEBHOOK_SECTION,
};
use super::section::{AnySetting, Default, Section};
use super::settings::{
    ALL_JAILS, AROUND, AROUND_IPV4, AROUND_IPV6, BAN_TIME, BANS, DEFAULTS, DESCRIPTION, DIALECT,
    ENABLED, ENCODING, ESCALATION, FACTOR, FAIL, FILTER, FILTER_IGNORE, FIND_TIME, FORGET, GROWTH,
    GROWTH_MAX, HISTORY, IGNORE, IGNORE_NAMES, INCLUDE, INTERFACE_MODE, INTERFACE_NAME, INTERFACES,
    JAIL_IGNORE, JAILS, JOURNAL, LIMITS, LINE, LINES_KEPT, LOGS, LOOK_BACK, MAX_RETRY, MODE, OF,
    PARAMETER_DEFAULT, PARAMETER_VALUES, PARAMETERS, PARTS, PATTERN, PORTS, PREFILTER, PREFIX,
    PROGRAM, RANDOM, RENEW, RETENTION, SAMPLE_FAIL, SAMPLE_LINE, SAMPLE_LINES, SAMPLE_NOW,
    SAMPLE_PASS, SAMPLE_TIME, SAMPLE_USER, SAMPLES, STAMPS, STORE, STORE_PATH, TRACKED, WHEN,
};

use super::settings::{COUNT_BY, COUNT_IPV4, COUNT_IPV6, NAMES};
use super::way_settings::{
    COMMAND_SECTION, ENFORCE, HOSTS_DENY_SECTION, IPTABLES_SECTION, JAIL_ENFORCE, NFTABLES_SECTION,
    WAY_SECTION,
};

/// A key that a jail takes from `defaults` when it is not given.
struct FromDefaults(&'static dyn AnySetting);

impl AnySetting for FromDefaults {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn describe(&self) -> String {
        self.0.describe()
    }

    fn default(&self) -> Default {
        Default::Words("as in `defaults`")
    }

    fn meaning(&self) -> &'static str {
        self.0.meaning()
    }

    fn also(&self) -> &'static [&'static str] {
        self.0.also()
    }

    #[cfg(test)]
    fn accepts(&self, text: &str) -> bool {
        self.0.accepts(text)
    }
}

pub(crate) static MAIN: Section = Section {
    name: "the main file",
    about: "The top of the main file.",
    settings: &[
        &INTERFACES,
        &ENFORCE,
        &NOTIFY,
        &IGNORE,
        &IGNORE_NAMES,
        &LIMITS,
        &STORE,
        &DEFAULTS,
        &JAILS,
        &INCLUDE,
    ],
};

pub(crate) static INTERFACE_SECTION: Section = Section {
    name: "an interface",
    about: "One item of `interfaces`, as in `{name: eth0, mode: native}`; a name alone does, too.",
    settings: &[&INTERFACE_NAME, &INTERFACE_MODE],
};

pub(crate) static INCLUDED: Section = Section {
    name: "an included file",
    about: "The top of a file that `include` names. Its jails and addresses are added to those of \
            the main file.",
    settings: &[&IGNORE, &IGNORE_NAMES, &JAILS],
};

pub(crate) static LIMITS_SECTION: Section = Section {
    name: "`limits`",
    about: "Bounds on the memory that banner takes.",
    settings: &[&BANS, &TRACKED, &LINE, &HISTORY],
};

pub(crate) static STORE_SECTION: Section = Section {
    name: "`store`",
    about: "What is kept on disk, so that bans and counts outlive the agent and the machine.",
    settings: &[&STORE_PATH, &RETENTION, &LINES_KEPT],
};

pub(crate) static DEFAULTS_SECTION: Section = Section {
    name: "`defaults`",
    about: "What holds for every jail that does not say otherwise, in whichever file it stands.",
    settings: &[
        &MAX_RETRY,
        &FIND_TIME,
        &BAN_TIME,
        &ESCALATION,
        &RENEW,
        &MODE,
        &PORTS,
        &AROUND,
        &COUNT_BY,
        &NAMES,
        &JAIL_NOTIFY,
    ],
};

pub(crate) static JAIL_SECTION: Section = Section {
    name: "a jail",
    about: "`jails` is a mapping from the name of a jail to these keys. A name has 1 to 64 \
            letters, digits, dots, underscores and hyphens.",
    settings: &[
        &ENABLED,
        &FILTER,
        &LOGS,
        &OF,
        &FromDefaults(&MAX_RETRY),
        &FromDefaults(&FIND_TIME),
        &FromDefaults(&BAN_TIME),
        &FromDefaults(&ESCALATION),
        &FromDefaults(&RENEW),
        &FromDefaults(&MODE),
        &FromDefaults(&PORTS),
        &FromDefaults(&AROUND),
        &FromDefaults(&COUNT_BY),
        &FromDefaults(&NAMES),
        &FromDefaults(&JAIL_NOTIFY),
        &JAIL_IGNORE,
        &JAIL_ENFORCE,
    ],
};

pub(crate) static AROUND_SECTION: Section = Section {
    name: "`prefix` of a jail",
    about: "The ban covers this prefix around the offender. Where the prefix has an address that the \
            jail ignores, the offender alone is banned; addresses in the `ignore` of the main file \
            stay free in any prefix that is banned.",
    settings: &[&AROUND_IPV4, &AROUND_IPV6],
};

pub(crate) static COUNT_BY_SECTION: Section = Section {
    name: "`count_by` of a jail",
    about: "Hosts of one prefix are counted as one, exactly, and banned together: the ban covers at \
            least the prefix that was counted, unless the jail ignores a part of it.",
    settings: &[&COUNT_IPV4, &COUNT_IPV6],
};

pub(crate) static ESCALATION_SECTION: Section = Section {
    name: "`escalation` of a jail",
    about: "Ban times that grow for those who come back. That of a jail stands for itself: nothing \
            is taken from that of `defaults`. Bans by hand have the time that is asked for, and are \
            not counted; `banner unban` of a host or prefix forgives its earlier bans.",
    settings: &[&GROWTH, &FACTOR, &GROWTH_MAX, &RANDOM, &ALL_JAILS, &FORGET],
};

pub(crate) static FILTER_SECTION: Section = Section {
    name: "a filter",
    about: "A file in `filters.d`, or the value of a jail's `filter`.",
    settings: &[
        &DESCRIPTION,
        &DIALECT,
        &PARAMETERS,
        &PARTS,
        &PREFIX,
        &PROGRAM,
        &PREFILTER,
        &FAIL,
        &FILTER_IGNORE,
        &LOOK_BACK,
        &STAMPS,
        &ENCODING,
        &JOURNAL,
        &SAMPLES,
    ],
};

pub(crate) static SAMPLE_SECTION: Section = Section {
    name: "a sample",
    about: "One item of a filter's `samples`.",
    settings: &[
        &SAMPLE_LINE,
        &SAMPLE_LINES,
        &SAMPLE_FAIL,
        &SAMPLE_PASS,
        &SAMPLE_USER,
        &SAMPLE_TIME,
        &SAMPLE_NOW,
        &WHEN,
    ],
};

pub(crate) static PATTERN_SECTION: Section = Section {
    name: "a pattern",
    about: "One item of a filter's `fail` or `ignore`, where it is not simply the pattern.",
    settings: &[&PATTERN, &WHEN],
};

pub(crate) static PARAMETER_SECTION: Section = Section {
    name: "a parameter",
    about: "What stands behind a name in a filter's `parameters`.",
    settings: &[&PARAMETER_DEFAULT, &PARAMETER_VALUES],
};

/// All of them, in the order of the reference.
pub(crate) static SECTIONS: &[&Section] = &[
    &MAIN,
    &INCLUDED,
    &LIMITS_SECTION,
    &STORE_SECTION,
    &DEFAULTS_SECTION,
    &JAIL_SECTION,
    &ESCALATION_SECTION,
    &LOG_SECTION,
    &JOURNAL_SECTION,
    &SYSLOG_SECTION,
    &CRI_SECTION,
    &DOCKER_SECTION,
    &AROUND_SECTION,
    &COUNT_BY_SECTION,
    &INTERFACE_SECTION,
    &WAY_SECTION,
    &NFTABLES_SECTION,
    &IPTABLES_SECTION,
    &HOSTS_DENY_SECTION,
    &COMMAND_SECTION,
    &FILTER_SECTION,
    &PATTERN_SECTION,
    &PARAMETER_SECTION,
    &SAMPLE_SECTION,
    &TARGET_SECTION,
    &MAIL_SECTION,
    &SMTP_SECTION,
    &WEBHOOK_SECTION,
    &DIGEST_SECTION,
    &ROUTE_SECTION,
];
