//! Zones: their names in stamps, and local time.

use jiff::{
    Timestamp,
    tz::{TimeZone, TimeZoneTransition},
};

use super::pattern::digit;

/// Zones by name, in minutes east of Greenwich: those that fail2ban's manual promises.
/// A name means this and nothing else, summer or winter.
const NAMES: &[(i32, &str)] = &[
    (-720, "Y"),
    (-660, "NUT SST X"),
    (-600, "CKT HAST HST TAHT W"),
    (-570, "MART MIT"),
    (-540, "AKST GAMT GIT HADT HNY V"),
    (-480, "AKDT CIST HAY HNP PST PT U"),
    (-420, "HAP HNR MST PDT T"),
    (-360, "CST EAST GALT HAR HNC MDT S"),
    (-300, "CDT COT EASST ECT EST ET HAC HNE PET R"),
    (-270, "HLV VET"),
    (-240, "AST BOT CLT COST EDT FKT GYT HAE HNA PYT Q"),
    (-210, "HNT NST NT"),
    (
        -180,
        "ADT ART BRT CLST FKST GFT HAA P PMST PYST SRT UYT WGT",
    ),
    (-150, "HAT NDT"),
    (-120, "BRST FNT O PMDT UYST WGST"),
    (-60, "AZOT CVT EGT N"),
    (0, "EGST GMT UTC WET WT Z"),
    (60, "A CET DFT WAT WEDT WEST"),
    (120, "B CAT CEDT CEST EET SAST WAST"),
    (180, "C EAT EEDT EEST IDT MSK"),
    (210, "IRST"),
    (240, "AMT AZT D GET GST KUYT MSD MUT RET SAMT SCT"),
    (270, "AFT IRDT"),
    (
        300,
        "AMST AQTT AZST E HMT MAWT MVT PKT TFT TJT TMT UZT YEKT",
    ),
    (330, "SLT"),
    (345, "NPT"),
    (360, "ALMT BIOT BTT F IOT KGT NOVT OMST YEKST"),
    (390, "CCT MMT"),
    (420, "CXT DAVT G HOVT ICT KRAT NOVST OMSST THA WIB"),
    (
        480,
        "ACT AWST BDT BNT CAST H HKT IRKT KRAST MYT PHT SGT ULAT WITA WST",
    ),
    (540, "AWDT I IRKST JST KST PWT TLT WDT WIT YAKT"),
    (570, "ACST"),
    (600, "AEST K PGT VLAT YAKST YAPT"),
    (630, "ACDT LHST"),
    (660, "AEDT L LHDT MAGT NCT PONT SBT VLAST VUT"),
    (690, "NFT"),
    (
        720,
        "ANAST ANAT FJT GILT M MAGST MHT NZST PETST PETT TVT WFT",
    ),
    (780, "FJST NZDT"),
];

/// What a zone's text comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offset {
    /// Minutes east of Greenwich.
    Minutes(i32),
    /// It looks like a zone, but nobody knows it.
    Unknown,
    /// It is no zone.
    Malformed,
}

/// The offset of `CEST`, `+0200`, `-03`, `UTC+05:30` and the like.
pub(super) fn offset(text: &str) -> Offset {
    // A line break behind it does no harm.
    let text = text.strip_suffix('\n').unwrap_or(text);
    let name = text.bytes().take_while(u8::is_ascii_uppercase).count();
    let (name, rest) = text.split_at(name);
    if !matches!(name.len(), 0 | 1 | 3..=5) {
        return Offset::Malformed;
    }
    let minutes = if rest.is_empty() {
        0
    } else {
        match minutes(rest) {
            Some(minutes) => minutes,
            None => return Offset::Malformed,
        }
    };
    if name.is_empty() {
        return Offset::Minutes(minutes);
    }
    let known = NAMES
        .iter()
        .find(|(_, names)| names.split(' ').any(|known| known == name));
    match known {
        Some((base, _)) => Offset::Minutes(base + minutes),
        None => Offset::Unknown,
    }
}

/// `+hh`, `+hhmm`, `+hh:mm`.
fn minutes(text: &str) -> Option<i32> {
    let chars: Vec<char> = text.chars().collect();
    let number = |tens: char, ones: char| Some((digit(tens)? * 10 + digit(ones)?).cast_signed());
    let (&[sign @ ('+' | '-'), tens @ ('0' | '1'), ones], rest) = chars.split_first_chunk::<3>()?
    else {
        return None;
    };
    let hours = number(tens, ones)?;
    let minutes = match *rest {
        [] => 0,
        [tens, ones] | [':', tens, ones] => number(tens, ones)?,
        _ => return None,
    };
    let minutes = hours * 60 + minutes;
    Some(if sign == '-' { -minutes } else { minutes })
}

/// Local time of one zone. It remembers what C's `mktime` does, and what it has looked up last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Local {
    /// Seconds from local time to UTC in the last answer: what `mktime` tries first.
    memory: i64,
    /// Seconds in which clocks do not change: from, up to, east of Greenwich, whether it is summer.
    span: (i64, i64, i64, bool),
}

impl Local {
    /// The time at which clocks of `zone` show `local` (seconds since 1970, as if in UTC), as glibc
    /// finds it: where a time comes twice, it is the one with the offset of the last answer,
    /// when that fits; where it does not come at all, the hour is added or left out, whichever is
    /// summer time. `None`: it gives up. The second is whether it would say so again.
    pub(super) fn mktime(&mut self, local: i64, zone: &TimeZone) -> Option<(i64, bool)> {
        let mut at = local.saturating_add(self.memory);
        let (mut last, mut last_but_one) = (at, at);
        let mut summer_before = false;
        for _ in 0..6 {
            let (shown, summer) = self.shown(at, zone);
            let error = local - shown;
            let oscillates = at == last_but_one && at != last && summer_before <= summer;
            if error == 0 || oscillates {
                self.memory = at - local;
                return Some((at, error == 0));
            }
            last_but_one = last;
            last = at;
            at += error;
            summer_before = summer;
        }
        None
    }

    /// What clocks of `zone` show at a time, in seconds since 1970 as if in UTC; whether it is summer
    /// time.
    pub(super) fn shown(&mut self, at: i64, zone: &TimeZone) -> (i64, bool) {
        if !(self.span.0..self.span.1).contains(&at) {
            self.span = span(at, zone);
        }
        let (_, _, offset, summer) = self.span;
        (at + offset, summer)
    }
}

fn span(at: i64, zone: &TimeZone) -> (i64, i64, i64, bool) {
    let time = |at: i64| {
        let at = at.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
        Timestamp::from_second(at).unwrap_or_default()
    };
    let info = zone.to_offset_info(time(at));
    let change = |change: Option<TimeZoneTransition<'_>>| {
        change.map(|change| change.timestamp().as_second())
    };
    let from = change(zone.preceding(time(at + 1)).next()).unwrap_or(i64::MIN);
    let to = change(zone.following(time(at)).next()).unwrap_or(i64::MAX);
    // A change within a second would lie on both sides.
    let (from, to) = (from.min(at), to.max(at + 1));
    (
        from,
        to,
        i64::from(info.offset().seconds()),
        info.dst().is_dst(),
    )
}
