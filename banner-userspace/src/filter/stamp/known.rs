//! The stamps that are known without a pattern, in the order in which fail2ban tries them.

/// How a known stamp is found and read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By a pattern, in pieces.
    Pattern(&'static [&'static str]),
    /// Seconds since 1970.
    Epoch,
    /// `@` and 24 hexadecimal digits.
    Tai64n,
}

/// A known stamp.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) form: Form,
}

/// The prefix of a pattern for what stands at the beginning of a line.
pub(super) const LINE: &str = "{^LN-BEG}";

const fn known(name: &'static str, pieces: &'static [&'static str]) -> Known {
    Known {
        name,
        form: Form::Pattern(pieces),
    }
}

const CLOCK: &str = "%H:%M:%S";
/// The hour may be short, with a blank before it.
const LOOSE_CLOCK: &str = " %k:%M:%S";
const DAY_NAME: &str = "(?:%a )?";
const MONTH_AND_DAY: &str = "%b %d";
const FRACTION: &str = r"(?:[.]%f)?";
const FRACTION_OR_COMMA: &str = "(?:[,.]%f)?";
const YEAR_LAST: &str = "(?: %ExY)?";
const ZONE: &str = r"(?:\s*%z)?";
const AGAIN: &str = "(?P=_between)";
const BLANKS: &str = " {1,2}";
const BLANKS_OR_T: &str = "(?:T| {1,2})";

/// In order.
pub(super) const KNOWN: &[Known] = &[
    known(
        "2026-11-20T10:00:00.123+01:00",
        &[
            "%ExY(?P<_between>[./-])%m",
            AGAIN,
            "%d",
            BLANKS_OR_T,
            CLOCK,
            FRACTION_OR_COMMA,
            ZONE,
        ],
    ),
    known(
        "Fri Nov 20 10:00:00.123 2026",
        &[DAY_NAME, MONTH_AND_DAY, LOOSE_CLOCK, FRACTION, YEAR_LAST],
    ),
    known(
        "Fri Nov 20 2026 10:00:00.123",
        &[DAY_NAME, MONTH_AND_DAY, " %ExY", LOOSE_CLOCK, FRACTION],
    ),
    known(
        "20/11/2026 10:00:00",
        &[
            "%d(?P<_between>[/-])%m",
            AGAIN,
            "(?:%ExY|%Exy)",
            LOOSE_CLOCK,
        ],
    ),
    known(
        "20/Nov/2026:10:00:00.123 +0100",
        &[
            "%d(?P<_between>[/-])%b",
            AGAIN,
            "%ExY[: ]?",
            CLOCK,
            FRACTION,
            "(?: %z)?",
        ],
    ),
    known("11/20/2026:10:00:00", &["%m/%d/%ExY:", CLOCK]),
    known(
        "11-20-2026 10:00:00.123",
        &["%m-%d-%ExY", LOOSE_CLOCK, FRACTION],
    ),
    Known {
        name: "Epoch",
        form: Form::Epoch,
    },
    known("10:00:00", &[LINE, CLOCK]),
    known("<11/20/26@10:00:00>", &["^<%m/%d/%Exy@", CLOCK, ">"]),
    known("261120 10:00:00", &["%Exy%Exm%Exd", BLANKS, CLOCK]),
    known(
        "Nov 20, 2026 10:00:00 AM",
        &[MONTH_AND_DAY, ", %ExY %I:%M:%S %p"],
    ),
    known("Nov-20-26 10:00:00", &["^%b-%d-%Exy", LOOSE_CLOCK]),
    known(
        "20261120T100000.123+0100",
        &[
            "%ExY%Exm%Exd",
            BLANKS_OR_T,
            "%ExH%ExM%ExS",
            FRACTION_OR_COMMA,
            ZONE,
        ],
    ),
    known(
        "CET Fri Nov 20 10:00:00.123 2026",
        &[
            "(?:%Z )?",
            DAY_NAME,
            MONTH_AND_DAY,
            LOOSE_CLOCK,
            FRACTION,
            YEAR_LAST,
        ],
    ),
    known(
        "+01:00 Fri Nov 20 10:00:00.123 2026",
        &[
            "(?:%z )?",
            DAY_NAME,
            MONTH_AND_DAY,
            LOOSE_CLOCK,
            FRACTION,
            YEAR_LAST,
        ],
    ),
    Known {
        name: "TAI64N",
        form: Form::Tai64n,
    },
];

/// Ten or eleven digits of seconds.
pub(super) const EPOCH: &str = r"[\d]{10,11}\b(?:[.]\d{3,6})?";
/// The same, or of milliseconds, or of microseconds.
pub(super) const LONG_EPOCH: &str = r"[\d]{10,11}(?:\d{3}(?:[.]\d{1,6}|\d{3})?)?";
/// What stands before seconds that are not at the beginning of a line: a bracket there, or `audit(`.
pub(super) const BEFORE_EPOCH: &str = r"(?:^|(?<=^\[)|(?<=\baudit\())";
pub(super) const TAI64N: &str = "@[0-9a-f]{24}";
