//! Sample lines, changed at random: agreement on lines that nobody thought of is not luck.

/// Random numbers from a seed, the same on every machine (splitmix64, Steele, Lea and Flood 2014).
pub(super) struct Dice(u64);

impl Dice {
    /// `salt` gives each log a sequence of its own.
    pub(super) fn new(seed: u64, salt: &str) -> Self {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        Self(salt.bytes().fold(seed ^ 0xcbf2_9ce4_8422_2325, mix))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`, which is at least 1.
    fn below(&mut self, end: usize) -> usize {
        // The remainder fits, because `end` does; a bias of 2^-50 does no harm.
        usize::try_from(self.next() % end.max(1) as u64).unwrap_or(0)
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn range(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        let end = (start + 1 + self.below(most)).min(length);
        start.min(end)..end
    }
}

/// What is put into lines: what patterns and readers of stamps stumble over.
const INSERTED: &[&[u8]] = &[
    b" ",
    b"  ",
    b"\t",
    b"\"",
    b"'",
    b"[",
    b"]",
    b"(",
    b")",
    b"<",
    b">",
    b":",
    b",",
    b";",
    b".",
    b"-",
    b"/",
    b"\\",
    b"%",
    b"=",
    b"@",
    b"#",
    b"*",
    b"{",
    b"}",
    b"\0",
    b"\x01",
    b"\x08",
    b"\x0b",
    b"\x0c",
    b"\r",
    b"\x1b[2J",
    b"\x1c",
    b"\x1d",
    b"\x1e",
    b"\x1f",
    b"\x7f",
    // Letters, digits and blanks that are some only for those who know all of Unicode.
    "\u{85}".as_bytes(),
    "\u{a0}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{2029}".as_bytes(),
    "\u{3000}".as_bytes(),
    "\u{200b}".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{fffd}".as_bytes(),
    "ä".as_bytes(),
    "é".as_bytes(),
    "ſ".as_bytes(),
    "K".as_bytes(),
    "İ".as_bytes(),
    "ı".as_bytes(),
    "ß".as_bytes(),
    "日本".as_bytes(),
    "٣".as_bytes(),
    "²".as_bytes(),
    "Ⅷ".as_bytes(),
    "😀".as_bytes(),
    "e\u{301}".as_bytes(),
    // Not UTF-8: alone, begun, a surrogate, overlong, beyond the end.
    b"\xff",
    b"\xc3",
    b"\xe2\x82",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
    b"\x80",
    b"127.0.0.1",
    b"::1",
    b"203.0.113.9",
    b"999.1.1.1",
    b"1.2.3.4.5",
    b"::ffff:192.0.2.1",
    b"[2001:db8::7]",
    b"2001:DB8:0:0::7",
    b"fe80::1%eth0",
    b"192.0.2.0/24",
    b"192.000.002.001",
    b"host.example.com",
    b"_dmarc.x-",
    b" from 203.0.113.9 port 22 ssh2",
    b" user=root",
    b" rhost=203.0.113.9",
    b"<HOST>",
    b"client 203.0.113.9",
    b"Jan  1 00:00:00",
    b"2005-08-14T12:00:00Z",
    b"1124013600",
    b"14/Aug/2005:12:00:00 +0200",
];

/// `samples`, again and again in their order, most of them changed: `count` lines.
pub(super) fn lines(samples: &[Vec<u8>], count: usize, mut dice: Dice) -> Vec<Vec<u8>> {
    let mut lines = Vec::with_capacity(count);
    while !samples.is_empty() && lines.len() < count {
        // Mostly in their order, because sessions have one.
        let start = dice.below(samples.len());
        let length = 1 + dice.below(2 * samples.len().min(50));
        for sample in samples.iter().cycle().skip(start).take(length) {
            let mut line = sample.clone();
            // One of eight stays as it is, so that sessions get on.
            for _ in 0..dice.below(8).div_ceil(2) {
                change(&mut line, samples, &mut dice);
            }
            // A line break would make two lines of one.
            line.retain(|byte| *byte != b'\n');
            lines.push(line);
        }
    }
    lines.truncate(count);
    lines
}

fn change(line: &mut Vec<u8>, samples: &[Vec<u8>], dice: &mut Dice) {
    match dice.below(16) {
        0 => with_byte(line, dice, |_, dice| {
            b' ' + u8::try_from(dice.below(95)).unwrap_or(0)
        }),
        1 => with_byte(line, dice, |_, dice| {
            u8::try_from(dice.below(256)).unwrap_or(0)
        }),
        2 => with_byte(line, dice, |byte, _| {
            if byte.is_ascii_alphabetic() {
                byte ^ 0x20
            } else {
                byte
            }
        }),
        3 => drop(line.drain(dice.range(line.len(), 8))),
        4 => drop(line.drain(dice.range(line.len(), 1))),
        5 => {
            let range = dice.range(line.len(), 12);
            let twice = line[range.clone()].to_vec();
            insert(line, range.end, &twice);
        }
        6..=8 => {
            let at = dice.below(line.len() + 1);
            insert(line, at, dice.one(INSERTED));
        }
        9 => swap_fields(line, dice),
        10 => another_field(line, samples, dice),
        11 => another_digit(line, dice),
        12 => {
            // At its beginning, where most stamps stand.
            let head = line.len().min(30);
            let mut stamp: Vec<u8> = line.drain(..head).collect();
            another_digit(&mut stamp, dice);
            if dice.below(3) == 0 {
                with_byte(&mut stamp, dice, |_, dice| dice.one(b" :/-.,TZ+[]0129aA"));
            }
            insert(line, 0, &stamp);
        }
        13 => {
            let at = dice.below(line.len() + 1);
            if dice.below(2) == 0 {
                line.truncate(at);
            } else {
                drop(line.drain(..at));
            }
        }
        14 => {
            let between: &[u8] = dice.one(&[b"", b" ", b"\r", b"\t"]);
            line.extend_from_slice(between);
            line.extend_from_slice(&samples[dice.below(samples.len())]);
        }
        _ => {
            let at = dice.below(line.len() + 1);
            let byte = line.get(at).copied().unwrap_or(b'a');
            let times = 1 + dice.below(200);
            insert(line, at, &vec![byte; times]);
        }
    }
}

fn with_byte(line: &mut [u8], dice: &mut Dice, new: impl FnOnce(u8, &mut Dice) -> u8) {
    let at = dice.below(line.len());
    if let Some(byte) = line.get_mut(at) {
        *byte = new(*byte, dice);
    }
}

fn insert(line: &mut Vec<u8>, at: usize, what: &[u8]) {
    drop(line.splice(at..at, what.iter().copied()));
}

fn another_digit(line: &mut [u8], dice: &mut Dice) {
    let digits: Vec<_> = (0..line.len())
        .filter(|at| line[*at].is_ascii_digit())
        .collect();
    if !digits.is_empty() {
        line[dice.one(&digits)] = b'0' + u8::try_from(dice.below(10)).unwrap_or(0);
    }
}

fn swap_fields(line: &mut Vec<u8>, dice: &mut Dice) {
    let mut fields: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let (one, other) = (dice.below(fields.len()), dice.below(fields.len()));
    fields.swap(one, other);
    *line = fields.join(&b' ');
}

fn another_field(line: &mut Vec<u8>, samples: &[Vec<u8>], dice: &mut Dice) {
    let donor: Vec<_> = samples[dice.below(samples.len())]
        .split(|byte| *byte == b' ')
        .collect();
    let mut fields: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let at = dice.below(fields.len());
    fields[at] = dice.one(&donor);
    *line = fields.join(&b' ');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(seed: u64) -> Vec<Vec<u8>> {
        let text = |text: &str| text.as_bytes().to_vec();
        let samples = [
            text("Jan 1 00:00:00 h a[1]: from 192.0.2.7"),
            text("[2005-08-14 12:00:00] no"),
            text("ü"),
            text(""),
        ];
        lines(&samples, 5000, Dice::new(seed, "x"))
    }

    #[test]
    fn a_seed_gives_the_same_lines_again() {
        assert_eq!(some(1), some(1));
        assert_ne!(some(1), some(2));
    }

    #[test]
    fn there_are_as_many_lines_as_asked_for_and_each_is_one() {
        let lines = some(3);
        assert_eq!(lines.len(), 5000);
        assert!(lines.iter().all(|line| !line.contains(&b'\n')));
        let different: std::collections::BTreeSet<_> = lines.iter().collect();
        assert!(different.len() > 2000, "{}", different.len());
    }

    #[test]
    fn no_samples_give_no_lines() {
        assert!(lines(&[], 10, Dice::new(1, "")).is_empty());
    }
}
