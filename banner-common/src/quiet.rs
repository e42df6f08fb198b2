use crate::{Ban, FOREVER};

/// [`Ban::flags`]: this ban does not renew, but another one of its group does.
pub const RENEWS_BESIDE: u16 = 1 << SHIFT;

/// By so many jiffies later than it must the end of a ban is put, so that a host that goes on sending
/// has its entry written once in 256 jiffies.
pub const RENEW_SLACK: u64 = 255;

/// Where in [`Ban::flags`] the code begins.
const SHIFT: u32 = 4;
const LEAST: u16 = 2;
const MOST: u16 = 0xfff;

/// Bits of the mantissa, without the first, which is 1.
const MANTISSA: u32 = 7;

/// How long who is banned has to be quiet for the ban to end, in [`Ban::flags`]: 12 bits above the
/// others, 5 of an exponent and 7 of a mantissa that begins with a 1. 0 stands for a ban that ends at
/// its time, and 1 is [`RENEWS_BESIDE`]. With [`INHERITED`](crate::INHERITED) it is that of the ban
/// under the same scope in the group that [`Ban::jail`] is, whose end counts as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quiet(u16);

impl Quiet {
    /// The shortest that is not shorter than `jiffies`: longer by less than one in 128. No less than
    /// 130 jiffies, and no more than 2^39 less 2^31, 17 years where there are 1000 in a second.
    #[must_use]
    pub const fn at_least(jiffies: u64) -> Self {
        if jiffies <= (1 << MANTISSA) | LEAST as u64 {
            return Self(LEAST);
        }
        let exponent = (u64::BITS - (jiffies - 1).leading_zeros()).saturating_sub(MANTISSA + 1);
        let mantissa = ((jiffies - 1) >> exponent) + 1;
        // 2^8 carries into the exponent.
        let code = ((exponent as u64) << MANTISSA) + mantissa - (1 << MANTISSA);
        if code > MOST as u64 {
            return Self(MOST);
        }
        #[expect(clippy::cast_possible_truncation, reason = "not above MOST")]
        Self(code as u16)
    }

    /// What flags say; `None` where the ban does not renew.
    #[must_use]
    #[inline]
    pub const fn of(flags: u16) -> Option<Self> {
        let code = flags >> SHIFT;
        if code < LEAST { None } else { Some(Self(code)) }
    }

    /// The flags that say it.
    #[must_use]
    pub const fn flags(self) -> u16 {
        self.0 << SHIFT
    }

    /// In jiffies.
    #[must_use]
    #[inline]
    pub const fn jiffies(self) -> u64 {
        let mantissa = self.0 as u64 & ((1 << MANTISSA) - 1) | (1 << MANTISSA);
        mantissa << (self.0 >> MANTISSA)
    }
}

impl Ban {
    /// Whether it renews, or another one of its group does.
    #[must_use]
    #[inline]
    pub const fn may_renew(&self) -> bool {
        self.flags >> SHIFT != 0
    }

    /// Whether the ban that is meant is another one: that of the group [`Ban::jail`] in the same scope
    /// holds besides this one.
    #[must_use]
    #[inline]
    pub const fn is_linked(&self) -> bool {
        self.flags & crate::INHERITED != 0 && Quiet::of(self.flags).is_some()
    }

    /// Its end after a packet in jiffy `now`, if that is another; it holds then until it has been quiet
    /// for its time, and for [`RENEW_SLACK`] at most beyond.
    #[must_use]
    #[inline]
    pub const fn renewed(&self, now: u64) -> Option<u64> {
        let Some(quiet) = Quiet::of(self.flags) else {
            return None;
        };
        let end = now.wrapping_add(quiet.jiffies());
        // Never later than FOREVER.
        if end > self.expires {
            Some(end.wrapping_add(RENEW_SLACK))
        } else {
            None
        }
    }

    /// The latest end that packets up to jiffy `now` can have put it to.
    #[must_use]
    pub const fn latest(&self, now: u64) -> u64 {
        match Quiet::of(self.flags) {
            Some(quiet) if self.expires != FOREVER => {
                let latest = now.saturating_add(quiet.jiffies() + RENEW_SLACK);
                if latest > self.expires {
                    latest
                } else {
                    self.expires
                }
            }
            _ => self.expires,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ALL_PORTS, CHECKED, INHERITED, OBSERVE, SEVERAL, Seen};

    fn ban(expires: u64, flags: u16) -> Ban {
        Ban {
            expires,
            jail: 7,
            flags,
            scope: ALL_PORTS,
            seen: Seen::default(),
        }
    }

    #[test]
    fn every_code_is_a_length_that_comes_back() {
        let mut last = 0;
        for code in LEAST..=MOST {
            let quiet = Quiet::of(code << SHIFT).unwrap();
            assert_eq!(quiet.flags(), code << SHIFT);
            assert!(quiet.jiffies() > last, "{code}");
            assert_eq!(Quiet::at_least(quiet.jiffies()), quiet);
            if code > LEAST {
                assert_eq!(Quiet::at_least(last + 1), quiet);
            }
            last = quiet.jiffies();
        }
        assert_eq!(last, (1 << 39) - (1 << 31));
        assert_eq!(Quiet::at_least(last + 1).jiffies(), last);
        assert_eq!(Quiet::at_least(u64::MAX).jiffies(), last);
        assert_eq!(Quiet::at_least(0).jiffies(), 130);
    }

    #[test]
    fn a_length_is_never_shorter_and_hardly_longer() {
        for shift in 8..38 {
            for jiffies in [
                1 << shift,
                (1 << shift) + 1,
                (3 << shift) - 1,
                (3 << shift) / 2,
            ] {
                let quiet = Quiet::at_least(jiffies).jiffies();
                assert!(
                    quiet >= jiffies && (quiet - jiffies) * 128 < jiffies,
                    "{jiffies}"
                );
            }
        }
    }

    #[test]
    fn other_flags_are_no_length() {
        let others = OBSERVE | CHECKED | SEVERAL | INHERITED;
        assert_eq!(Quiet::of(others), None);
        assert!(!ban(1, others).may_renew());
        assert_eq!(Quiet::of(RENEWS_BESIDE | others), None);
        assert!(ban(1, RENEWS_BESIDE).may_renew());
        assert!(!ban(1, RENEWS_BESIDE | INHERITED).is_linked());
        let quiet = Quiet::at_least(1000);
        assert_eq!(quiet.flags() & others, 0);
        assert_eq!(Quiet::of(quiet.flags() | others), Some(quiet));
        assert!(ban(1, quiet.flags() | INHERITED).is_linked());
        assert!(!ban(1, quiet.flags()).is_linked());
    }

    #[test]
    fn an_end_is_moved_when_it_would_come_too_early() {
        let renews = Quiet::at_least(1000).flags();
        assert_eq!(ban(1100, renews).renewed(100), None);
        assert_eq!(ban(1100, renews).renewed(101), Some(1101 + RENEW_SLACK));
        assert_eq!(
            ban(1101 + RENEW_SLACK, renews).renewed(101 + RENEW_SLACK),
            None
        );
        assert_eq!(ban(1100, 0).renewed(101), None);
        assert_eq!(ban(FOREVER, renews).renewed(u64::MAX / 2), None);
        assert_eq!(ban(1100, renews).latest(101), 1101 + RENEW_SLACK);
        assert_eq!(ban(9000, renews).latest(101), 9000);
        assert_eq!(ban(1100, 0).latest(101), 1100);
        assert_eq!(ban(FOREVER, renews).latest(101), FOREVER);
    }
}
