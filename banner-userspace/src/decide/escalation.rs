//! Ban times that grow.

use std::time::Duration;

use crate::model::{Escalation, Growth};

/// No ban time grows beyond ten years: longer is what `permanent` is for.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

/// Doubling stops after so many bans, as it does in fail2ban.
const MOST_DOUBLINGS: u32 = 20;

/// How long a ban lasts that comes after `earlier` others, where the first lasts for `base`. It is
/// never shorter than that. `random` is a number from 0 to less than 1, asked for where it matters.
pub(super) fn time(
    escalation: &Escalation,
    base: Duration,
    earlier: u32,
    random: impl FnOnce() -> f64,
) -> Duration {
    if earlier == 0 {
        return base;
    }
    let factor = escalation.factor;
    let times = match &escalation.growth {
        Growth::Doubling => factor * f64::from(1_u32 << earlier.min(MOST_DOUBLINGS)),
        Growth::Exponential => (factor * f64::from(earlier)).exp(),
        Growth::Linear => factor * (f64::from(earlier) + 1.0),
        Growth::Multipliers(list) => {
            let place = usize::try_from(earlier).unwrap_or(usize::MAX);
            factor * list.get(place).or(list.last()).copied().unwrap_or(1.0)
        }
    };
    let mut seconds = base.as_secs_f64() * times;
    if let Some(max) = escalation.max {
        seconds = seconds.min(max.as_secs_f64());
    }
    if !escalation.random.is_zero() {
        seconds += escalation.random.as_secs_f64() * random();
    }
    // What is no number is no time.
    let grown = Duration::try_from_secs_f64(seconds.min(LONGEST)).unwrap_or(base);
    grown.max(base)
}

/// Numbers that look random, the same for the same seed: `SplitMix64` (Steele, Lea, Flood 2014).
#[derive(Clone, Debug, Default)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// From 0 to less than 1.
    pub(super) fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        let high = u32::try_from(bits >> 32).unwrap_or(0);
        f64::from(high) / (f64::from(u32::MAX) + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escalation(growth: Growth, factor: f64, max: u64) -> Escalation {
        Escalation {
            growth,
            factor,
            max: (max > 0).then(|| Duration::from_secs(max)),
            random: Duration::ZERO,
            all_jails: false,
            forget: Duration::from_hours(24),
        }
    }

    /// What fail2ban 1.0.2 gives for a ban time of 600 s and 1 to 12 earlier bans: its own code was
    /// asked (`Jail.setBanTimeExtra`, then `evformula` of `getBanTimeExtra`).
    ///
    /// Growth (a word, or multipliers), factor, maximum in seconds or 0, and the ban times in seconds.
    const FAIL2BAN: &[(&str, f64, u64, [f64; 12])] = &[
        (
            "doubling",
            1.0,
            0,
            [
                1200., 2400., 4800., 9600., 19_200., 38_400., 76_800., 153_600., 307_200.,
                614_400., 1_228_800., 2_457_600.,
            ],
        ),
        (
            "doubling",
            0.5,
            0,
            [
                600., 1200., 2400., 4800., 9600., 19_200., 38_400., 76_800., 153_600., 307_200.,
                614_400., 1_228_800.,
            ],
        ),
        (
            "doubling",
            3.0,
            86_400,
            [
                3600., 7200., 14_400., 28_800., 57_600., 86_400., 86_400., 86_400., 86_400.,
                86_400., 86_400., 86_400.,
            ],
        ),
        (
            "1 5 30 60 300 720 1440 2880",
            1.0,
            0,
            [
                3000., 18_000., 36_000., 180_000., 432_000., 864_000., 1_728_000., 1_728_000.,
                1_728_000., 1_728_000., 1_728_000., 1_728_000.,
            ],
        ),
        (
            "1 2 4 8 16 32 64",
            0.5,
            18_000,
            [
                600., 1200., 2400., 4800., 9600., 18_000., 18_000., 18_000., 18_000., 18_000.,
                18_000., 18_000.,
            ],
        ),
        (
            "exponential",
            1.0,
            0,
            [
                1_630.969_097,
                4_433.433_659,
                12_051.322_154,
                32_758.890_020,
                89_047.895_465,
                242_057.276_096,
                657_979.895_057,
                1_788_574.792_225,
                4_861_850.356_545,
                13_215_879.476_884,
                35_924_485.029_119,
                97_652_874.851_402,
            ],
        ),
        (
            "exponential",
            2.0 / 2.885_385,
            0,
            [
                1_200.001_465,
                2_400.005_860,
                4_800.017_579,
                9_600.046_878,
                19_200.117_196,
                38_400.281_269,
                76_800.656_294,
                153_601.500_102,
                307_203.375_231,
                614_407.500_518,
                1_228_816.501_149,
                2_457_636.002_528,
            ],
        ),
        (
            "exponential",
            0.1,
            1200,
            [
                663.102_551,
                732.841_655,
                809.915_285,
                895.094_819,
                989.232_762,
                1_093.271_280,
                1200.,
                1200.,
                1200.,
                1200.,
                1200.,
                1200.,
            ],
        ),
        // With the formula `ban.Time * (ban.Count+1) * banFactor`.
        (
            "linear",
            1.0,
            0,
            [
                1200., 1800., 2400., 3000., 3600., 4200., 4800., 5400., 6000., 6600., 7200., 7800.,
            ],
        ),
        (
            "linear",
            0.25,
            0,
            [
                600., 600., 600., 750., 900., 1050., 1200., 1350., 1500., 1650., 1800., 1950.,
            ],
        ),
    ];

    #[test]
    fn ban_times_grow_as_fail2ban_s_do() {
        for (growth, factor, max, expected) in FAIL2BAN {
            let growth = match *growth {
                "doubling" => Growth::Doubling,
                "exponential" => Growth::Exponential,
                "linear" => Growth::Linear,
                list => {
                    let list = list.split(' ').map(|number| number.parse().unwrap());
                    Growth::Multipliers(list.collect())
                }
            };
            let escalation = escalation(growth, *factor, *max);
            for (earlier, expected) in (1..).zip(expected) {
                let base = Duration::from_mins(10);
                let ours = time(&escalation, base, earlier, || unreachable!()).as_secs_f64();
                assert!(
                    (ours - expected).abs() < 1e-6 * expected,
                    "{escalation:?} {earlier}: {ours}, not {expected}"
                );
            }
        }
    }

    #[test]
    fn the_first_ban_is_as_long_as_the_jail_says_and_none_is_shorter_or_endless() {
        let base = Duration::from_mins(10);
        let odd = escalation(Growth::Multipliers(vec![5.0, 0.5]), 7.0, 300);
        assert_eq!(time(&odd, base, 0, || unreachable!()), base);
        // fail2ban 1.0.2 gives 300 s here, shorter than the first ban.
        assert_eq!(time(&odd, base, 1, || unreachable!()), base);
        let longest = Duration::from_hours(10 * 365 * 24);
        for (growth, factor, earlier) in [
            (Growth::Exponential, 1000.0, u32::MAX),
            (Growth::Doubling, 1000.0, u32::MAX),
            (Growth::Linear, 1.0, u32::MAX),
        ] {
            let escalation = escalation(growth, factor, 0);
            assert_eq!(time(&escalation, base, earlier, || unreachable!()), longest);
        }
    }

    #[test]
    fn a_random_part_is_added_behind_the_maximum() {
        let mut escalation = escalation(Growth::Doubling, 1.0, 1000);
        escalation.random = Duration::from_mins(1);
        let mut dice = Dice::new(7);
        let base = Duration::from_mins(10);
        let times: Vec<_> = (0..1000)
            .map(|_| time(&escalation, base, 3, || dice.roll()).as_secs_f64())
            .collect();
        assert!(times.iter().all(|time| (1000.0..1060.0).contains(time)));
        let mean = times.iter().sum::<f64>() / 1000.0;
        assert!((1028.0..1032.0).contains(&mean), "{mean}");
        let mut again = Dice::new(7);
        let first = time(&escalation, base, 3, || again.roll()).as_secs_f64();
        assert!((first - times[0]).abs() < 1e-9, "the same seed");
    }
}
