//! Lists of addresses and prefixes to ban.

use std::{
    io::{self, BufRead},
    num::NonZeroU32,
};

use ipnet::IpNet;

use crate::{
    config::BanTime,
    control::{self, shown},
};

/// One to ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) net: IpNet,
    /// How long, if it is said with who.
    pub(super) time: Option<BanTime>,
    /// Where it stands in the list.
    pub(super) line: Option<NonZeroU32>,
}

/// One that cannot be banned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bad {
    /// Who, where it names somebody.
    pub(super) net: Option<IpNet>,
    /// Where it stands in the list.
    pub(super) line: Option<NonZeroU32>,
    pub(super) why: String,
}

impl Listed {
    /// One that the command line names.
    pub(super) fn alone(net: IpNet) -> Self {
        Self {
            net,
            time: None,
            line: None,
        }
    }

    pub(super) fn refused(&self, why: impl std::fmt::Display) -> Bad {
        Bad {
            net: Some(self.net),
            line: self.line,
            why: format!("{}: {why}", shown(self.net)),
        }
    }
}

/// Reads a list: on each line an address or a prefix and maybe a time; what follows a `#` and lines
/// with nothing else are passed over.
pub(super) fn read(
    mut from: impl BufRead,
    list: &mut Vec<Listed>,
    bad: &mut Vec<Bad>,
) -> io::Result<()> {
    let mut bytes = Vec::new();
    let mut number = 0_u32;
    loop {
        bytes.clear();
        if from.read_until(b'\n', &mut bytes)? == 0 {
            return Ok(());
        }
        number = number.saturating_add(1);
        let line = NonZeroU32::new(number);
        let text = String::from_utf8_lossy(&bytes);
        match entry(&text) {
            Ok(None) => {}
            Ok(Some((net, time))) => list.push(Listed { net, time, line }),
            Err(why) => bad.push(Bad {
                net: None,
                line,
                why,
            }),
        }
    }
}

fn entry(line: &str) -> Result<Option<(IpNet, Option<BanTime>)>, String> {
    let line = line.split('#').next().unwrap_or("");
    let mut words = line.split_whitespace();
    let Some(net) = words.next() else {
        return Ok(None);
    };
    let net = control::net(net)?;
    let time = words.next().map(BanTime::from_text).transpose()?;
    match words.next() {
        None => Ok(Some((net, time))),
        Some(word) => Err(format!(
            "{word:?} is too much: a line has an address or prefix and maybe a time"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn lists_are_read_and_every_bad_line_is_told_with_its_number() {
        let text = b"# my list\n\n192.0.2.7\n 2001:db8::/32\tpermanent # for good\r\n10.0.0.0/7\n\
                     192.0.2.8 1h\n192.0.2.9 soon\n192.0.2.9 1h 2h\nnobody\n\xff\n192.0.2.9/24\n::1";
        let (mut list, mut bad) = (Vec::new(), Vec::new());
        read(&text[..], &mut list, &mut bad).unwrap();
        let list: Vec<_> = list
            .iter()
            .map(|listed| {
                (
                    listed.line.map_or(0, NonZeroU32::get),
                    shown(listed.net),
                    listed.time,
                )
            })
            .collect();
        let hour = BanTime::For(Duration::from_hours(1));
        assert_eq!(
            list,
            [
                (3, "192.0.2.7".into(), None),
                (4, "2001:db8::/32".into(), Some(BanTime::Permanent)),
                (6, "192.0.2.8".into(), Some(hour)),
                (12, "::1".into(), None),
            ]
        );
        let bad: Vec<_> = bad
            .iter()
            .map(|bad| (bad.line.map_or(0, NonZeroU32::get), bad.why.as_str()))
            .collect();
        for ((line, why), (number, part)) in bad.iter().zip([
            (5, "10.0.0.0/7 is too wide for a ban"),
            (7, "\"soon\" is not the word permanent or a duration"),
            (8, "\"2h\" is too much"),
            (9, "\"nobody\" is neither an address nor a prefix"),
            (10, "neither an address nor a prefix"),
            (11, "write 192.0.2.0/24 for the network"),
        ]) {
            assert_eq!(*line, number);
            assert!(why.contains(part), "{why}");
        }
        assert_eq!(bad.len(), 6);
    }
}
