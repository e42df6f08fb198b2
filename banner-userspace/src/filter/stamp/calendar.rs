//! Days and dates, as in Python's `datetime`.

/// Seconds in a day.
pub(super) const DAY: i64 = 86_400;

/// The first and the last second that Python's `datetime` knows, since 1970.
pub(super) const FIRST: i64 = -719_162 * DAY;
pub(super) const LAST: i64 = 2_932_897 * DAY - 1;

/// The number of a day, from its week's and the day's in it (0 is Monday).
pub(super) fn day_of_year(year: i64, week: i64, weekday: i64, monday: bool) -> Option<i64> {
    // 1 January 1970 was a Thursday.
    let shift = i64::from(!monday);
    let new_year = (days(year, 1, 1)? + 3 + shift).rem_euclid(7);
    let weekday = (weekday + shift).rem_euclid(7);
    Some(if week == 0 {
        1 + weekday - new_year
    } else {
        1 + (7 - new_year).rem_euclid(7) + 7 * (week - 1) + weekday
    })
}

/// Days from 1970 to a date, if there is one.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let long = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    if !(1..=9999).contains(&year) || !(1..=long).contains(&day) {
        return None;
    }
    // Years that begin in March, so that the leap day is the last.
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(
        year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
            - 719_468,
    )
}

/// Year, month and day of seconds since 1970.
pub(super) fn civil(at: i64) -> (i64, i64, i64) {
    let days = at.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let of_year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day = of_era - (365 * of_year + of_year / 4 - of_year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (era * 400 + of_year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_has_its_date() {
        let mut dates = Vec::new();
        for day in FIRST / DAY..=LAST / DAY {
            let (year, month, day_of_month) = civil(day * DAY);
            assert_eq!(days(year, month, day_of_month), Some(day));
            dates.push((year, month, day_of_month));
        }
        assert!(dates.is_sorted());
        assert_eq!(dates[0], (1, 1, 1));
        assert_eq!(dates.last(), Some(&(9999, 12, 31)));
        assert_eq!(days(1970, 1, 1), Some(0));
        for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2024, 13, 1), (2024, 4, 31)] {
            assert_eq!(days(year, month, day), None);
        }
        for (year, month, day) in [(0, 1, 1), (10_000, 1, 1), (2024, 0, 1), (2024, 1, 0)] {
            assert_eq!(days(year, month, day), None);
        }
    }

    /// As Python's `strptime` has it with %U and %W.
    #[test]
    fn weeks_begin_on_monday_or_sunday() {
        for (year, week, weekday, monday, day) in [
            (2024, 0, 0, true, 1),
            (2025, 0, 0, true, -1),
            (2024, 1, 0, true, 1),
            (2024, 1, 6, false, 7),
            (2023, 1, 6, false, 1),
            (2023, 53, 6, false, 365),
        ] {
            let found = day_of_year(year, week, weekday, monday);
            assert_eq!(found, Some(day), "{year} {week} {weekday} {monday}");
        }
    }
}
