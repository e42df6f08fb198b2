//! Figures of several rounds, and what they are held against.

use std::fmt;

/// The same thing measured several times, in one unit.
#[derive(Clone, Debug)]
pub(crate) struct Spread(Vec<f64>);

impl Spread {
    /// At least one figure.
    pub(crate) fn new(mut figures: Vec<f64>) -> Self {
        assert!(!figures.is_empty(), "a spread has figures");
        figures.sort_unstable_by(f64::total_cmp);
        Self(figures)
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        if self.0.len().is_multiple_of(2) {
            f64::midpoint(self.0[middle - 1], self.0[middle])
        } else {
            self.0[middle]
        }
    }

    fn least(&self) -> f64 {
        self.0[0]
    }

    fn most(&self) -> f64 {
        self.0[self.0.len() - 1]
    }

    /// The same in another unit.
    pub(crate) fn map(&self, convert: impl Fn(f64) -> f64) -> Self {
        Self::new(self.0.iter().copied().map(convert).collect())
    }
}

/// Median, and the least and the most.
impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [median, least, most] = [self.median(), self.least(), self.most()].map(digits);
        if self.0.len() == 1 {
            return write!(f, "{median} (one round)");
        }
        write!(f, "{median} ({least} to {most})")
    }
}

/// Three digits that mean something.
pub(crate) fn digits(figure: f64) -> String {
    match figure.abs() {
        ..0.001 => "0".into(),
        ..10.0 => format!("{figure:.2}"),
        ..100.0 => format!("{figure:.1}"),
        _ => format!("{figure:.0}"),
    }
}

/// What a ratio or another figure has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    AtMost(f64),
    AtLeast(f64),
    /// Strictly more.
    Above(f64),
}

impl Target {
    /// Whether `figure` is within, in words for the table.
    pub(crate) fn verdict(self, figure: f64) -> String {
        let (met, words) = match self {
            Self::AtMost(most) => (figure <= most, format!("≤ {}", digits(most))),
            Self::AtLeast(least) => (figure >= least, format!("≥ {}", digits(least))),
            Self::Above(bound) => (figure > bound, format!("> {}", digits(bound))),
        };
        format!("{words}: {}", if met { "met" } else { "missed" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_lies_between_the_middle_two() {
        assert_eq!(
            Spread::new(vec![40.0, 10.0, 30.0, 20.0]).to_string(),
            "25.0 (10.0 to 40.0)"
        );
        assert_eq!(
            Spread::new(vec![3.0, 1000.0, 1.0]).to_string(),
            "3.00 (1.00 to 1000)"
        );
    }

    #[test]
    fn the_same_in_another_unit_is_in_order_again() {
        let rates = Spread::new(vec![1.0, 4.0, 2.0]);
        assert_eq!(
            rates.map(|rate| 1.0 / rate).to_string(),
            "0.50 (0.25 to 1.00)"
        );
    }

    #[test]
    fn a_target_is_met_at_its_bound_unless_it_has_to_be_passed() {
        assert_eq!(Target::AtMost(1.1).verdict(1.1), "≤ 1.10: met");
        assert_eq!(Target::AtMost(1.1).verdict(1.11), "≤ 1.10: missed");
        assert_eq!(Target::AtLeast(40.0).verdict(39.9), "≥ 40.0: missed");
        assert_eq!(Target::Above(1.0).verdict(1.0), "> 1.00: missed");
    }
}
