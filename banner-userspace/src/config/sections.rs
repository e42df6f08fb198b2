//! The mappings of the configuration, and the keys that each may have.

use super::section::{AnySetting, Default, Section};
use super::settings::{
    AROUND, AROUND_IPV4, AROUND_IPV6, BAN_TIME, BANS, DEFAULTS, DESCRIPTION, ENABLED, ENFORCE,
    FAIL, FILTER, FILTER_IGNORE, FIND_TIME, IGNORE, INCLUDE, INTERFACE_MODE, INTERFACE_NAME,
    INTERFACES, JAIL_IGNORE, JAILS, LIMITS, LINE, LOGS, MAX_RETRY, MODE, PORTS, PREFIX, PROGRAM,
    SAMPLE_FAIL, SAMPLE_LINE, SAMPLE_PASS, SAMPLES, TRACKED,
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
        &IGNORE,
        &LIMITS,
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
    settings: &[&IGNORE, &JAILS],
};

pub(crate) static LIMITS_SECTION: Section = Section {
    name: "`limits`",
    about: "Bounds on the memory that banner takes.",
    settings: &[&BANS, &TRACKED, &LINE],
};

pub(crate) static DEFAULTS_SECTION: Section = Section {
    name: "`defaults`",
    about: "What holds for every jail that does not say otherwise, in whichever file it stands.",
    settings: &[&MAX_RETRY, &FIND_TIME, &BAN_TIME, &MODE, &PORTS, &AROUND],
};

pub(crate) static JAIL_SECTION: Section = Section {
    name: "a jail",
    about: "`jails` is a mapping from the name of a jail to these keys. A name has 1 to 64 \
            letters, digits, dots, underscores and hyphens.",
    settings: &[
        &ENABLED,
        &FILTER,
        &LOGS,
        &FromDefaults(&MAX_RETRY),
        &FromDefaults(&FIND_TIME),
        &FromDefaults(&BAN_TIME),
        &FromDefaults(&MODE),
        &FromDefaults(&PORTS),
        &FromDefaults(&AROUND),
        &JAIL_IGNORE,
    ],
};

pub(crate) static AROUND_SECTION: Section = Section {
    name: "`prefix` of a jail",
    about: "The ban covers this prefix around the offender. Where the prefix has an address that the \
            jail ignores, the offender alone is banned; addresses in the `ignore` of the main file \
            stay free in any prefix that is banned.",
    settings: &[&AROUND_IPV4, &AROUND_IPV6],
};

pub(crate) static FILTER_SECTION: Section = Section {
    name: "a filter",
    about: "A file in `filters.d`, or the value of a jail's `filter`.",
    settings: &[
        &DESCRIPTION,
        &PREFIX,
        &PROGRAM,
        &FAIL,
        &FILTER_IGNORE,
        &SAMPLES,
    ],
};

pub(crate) static SAMPLE_SECTION: Section = Section {
    name: "a sample",
    about: "One item of a filter's `samples`.",
    settings: &[&SAMPLE_LINE, &SAMPLE_FAIL, &SAMPLE_PASS],
};

/// All of them, in the order of the reference.
pub(crate) static SECTIONS: [&Section; 9] = [
    &MAIN,
    &INCLUDED,
    &LIMITS_SECTION,
    &DEFAULTS_SECTION,
    &JAIL_SECTION,
    &AROUND_SECTION,
    &INTERFACE_SECTION,
    &FILTER_SECTION,
    &SAMPLE_SECTION,
];
