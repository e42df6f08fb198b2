//! What is asked: patterns, zones, and lines that were changed by chance.

/// What its documentation allows beyond that.
pub(super) const PATTERNS: &[&[&str]] = &[
    &["EPOCH"],
    &["LEPOCH"],
    &["^EPOCH"],
    &["{^LN-BEG}LEPOCH"],
    &["TAI64N"],
    &["^TAI64N"],
    &["{NONE}"],
    &["{DEFAULT}"],
    &["{^LN-BEG}", "{DEFAULT}"],
    &["Epoch", "TAI64N", "{DEFAULT}"],
    &["ISO8601"],
    &[r"(?<=\|\s){LEPOCH}(?=\s\|)"],
    &[r"{EPOCH}"],
    &[r"^\[?{EPOCH}\]?"],
    &[r"(\w+) {EPOCH}"],
    &[r"^{DATE}", "{NONE}"],
    &[r"\[{DATE}\]", r"%Y-%m-%d %H:%M:%S", "{DEFAULT}"],
    &[r"^%ExY-%Exm-%Exd %H:%M:%S(?: ?%Exz)?"],
    &[r"^%Y-%m-%d-%H%M%S\.%f %z **"],
    &[r"{^LN-BEG}%Y-%m-%d %H:%M:%S(?:\s*%Z)?\s"],
    &[r"%Y %m %d %H:%M:%S"],
    &[r"%Y%m%d%H%M%S"],
    &[r"%%%Y%m%d%H%M%S"],
    &[r"%d %b %Y %I:%M:%S(?: %p)?"],
    &[
        r"%b %d %I:%M:%S %p",
        r"%b %d %l:%M:%S %p",
        r"%d/%m/%Y %Exl:%M:%S",
    ],
    &[r"%a %j %Y %H:%M"],
    &[r"%a %U %Y %H:%M", r"%A %W %Y", r"%w %W %Y"],
    &[r"%j %H:%M:%S"],
    &[r"%d %H:%M:%S"],
    &[r"%m/%d %H:%M", r"%H:%M"],
    &[r"%Y"],
    &[r"%B %d,? %Y %Exk:%M"],
    &[r"%c", r"%x %X"],
    &[r"%y%m%d ?%k:%M:%S"],
    &[r"**%H:%M:%S**"],
    &[r"{UNB}%H:%M:%S"],
    &[r"{UNB}(%d)/%b/%Y"],
    &[r"^[^\[]*(\[%d/%b/%Y:%H:%M:%S %z\])"],
    &[r"(?:%a )?%b %d %H:%M:%S(?:\.%f)?(?: %ExY)?$"],
    &[r"%H:%M:%S$"],
    &[r"[(]%b %d"],
    &[r"(?P<Y>20\d\d)-(?P<m>.\d)-(?P<d>..)"],
    &[r"(?P<H>\w+):(?P<M>\w+):(?P<S>\w+)"],
    &[r"(?:%Exz )?%b %d %H:%M:%S", r"%d %b %H:%M:%S %ExZ"],
    &[r"(?i)t%H:%M:%S"],
    &[r"%Y(?P<_sep>[-/.])%m(?P=_sep)%d(?(_sep)T|x)%H:%M:%S"],
    &[r"(%b)? ?%H:%M:%S"],
    &[r"\s*(%b %d)?"],
    &[r"(?:(%d)/)?%b"],
    &[r"%d(?:st|nd|rd|th)? %B"],
    &[r"%ExY-%Exm-%Exd[T ]%ExH:%ExM:%ExS"],
    &[r"%Q"],
    &[r"100%"],
    &[r"%Y-%Y"],
    &[r"(%Y"],
    &[r"%Y-%m", r"%Y-%m"],
    &[r"(?<=a+)%Y"],
];

/// Zones, and times at which something happens in them.
pub(super) const ZONES: &[(&str, &[i64])] = &[
    (
        "Europe/Zurich",
        &[1_124_013_600, 1_792_890_000, 1_761_440_400, 1_774_746_000],
    ),
    ("UTC", &[1_795_000_000, 1_704_067_199, 1_709_164_800]),
    (
        "CET-1CEST,M3.5.0,M10.5.0/3",
        &[1_761_440_399, 1_774_746_001, 1_798_758_000],
    ),
    ("America/St_Johns", &[1_762_000_000, 1_735_700_000]),
    ("Australia/Lord_Howe", &[1_775_314_800, 1_759_590_000]),
];

pub(super) const SNIPPETS: &[&str] = &[
    " ",
    "  ",
    "[",
    "]",
    "<",
    "Nov 20 10:00:00",
    "2026-11-20 10:00:00",
    "10:00:00",
    "29 Feb",
    "Feb 29 ",
    "Mar 29 02:30:00",
    "Oct 25 02:30:00",
    "2026-03-29T02:30:00",
    "2025-10-26 02:15:00",
    "+0130",
    "-00:30",
    " -0030",
    "Z",
    " UTC",
    "CEST ",
    "PST ",
    "EDT ",
    "XYZ ",
    "1795000000",
    "1795000000.123",
    "1795000000123",
    "1795000000123456",
    "@4000000043d7c16b0f1d4f38",
    "audit(1795000000.123:1)",
    "24",
    "31",
    "60",
    "61",
    "00",
    "12",
    "PM",
    "AM",
    " pm",
    ".5",
    ",123456",
    "é",
    "ß",
    "٣",
    "２",
    "ſ",
    "İ",
    "ı",
    "K",
    "\u{301}",
    "²",
    "\u{a0}",
    "\u{1c}",
    "\u{85}",
    "\t",
    "_",
    "-",
    "/",
    ":",
    "20",
    "19",
    "2030",
    "99",
    "0000",
    "|",
    "T",
    "20/Nov/2026:10:00:00 +0100",
    "Mon ",
    "sun ",
    "Sep ",
    "august 3",
    "366 2024",
    "Sunday 53 2023",
    "Mon 00 2024 10:00",
    "\n",
    "1/1/26",
    "Dec 31 23:59:59",
    "Jan  1 00:00:00",
    "130322 11:46:11",
    "Apr-27-13 02:33:06",
    "Jan 3, 2026 12:01:02 AM",
];

pub(super) fn mutated(line: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = line.chars().take(300).collect();
    for _ in 0..=dice.below(4) {
        // Most stamps stand at the beginning.
        let reach = if dice.below(4) > 0 {
            chars.len().min(40)
        } else {
            chars.len()
        };
        let at = dice.below(reach + 1);
        let end = (at + dice.below(4)).min(chars.len());
        match dice.below(7) {
            0 => drop(chars.drain(at..end)),
            1 | 2 => drop(chars.splice(at..end, dice.of(SNIPPETS).chars())),
            3 => drop(chars.splice(at..at, dice.of(SNIPPETS).chars())),
            4 if at < chars.len() => {
                chars[at] = char::from(b"0123456789 :-/.TZ+ab"[dice.below(20)]);
            }
            5 if at < chars.len() => {
                chars[at] = if chars[at].is_lowercase() {
                    chars[at].to_ascii_uppercase()
                } else {
                    chars[at].to_ascii_lowercase()
                };
            }
            _ if at < end => chars.swap(at, end - 1),
            _ => {}
        }
    }
    chars.into_iter().collect()
}

/// The line with something else behind where most stamps are; now and then one character before.
pub(super) fn tail_mutated(line: &str, dice: &mut Dice) -> String {
    let mut chars: Vec<char> = line.chars().collect();
    let at = if dice.below(8) == 0 {
        dice.below(chars.len() + 1)
    } else {
        45
    };
    if at < chars.len() {
        chars[at] = *dice.of(&['0', ' ', 'x', 'é', ']', ':']);
    }
    if dice.below(4) == 0 {
        chars.truncate(at);
    }
    chars.into_iter().collect()
}

/// Numbers that look random, from a seed (`SplitMix64`).
#[derive(Debug)]
pub(in crate::filter::stamp) struct Dice(pub(in crate::filter::stamp) u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(in crate::filter::stamp) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub(in crate::filter::stamp) fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}
