use std::time::Duration;

/// How ban times grow with the bans that somebody has had before.
#[derive(Clone, Debug, PartialEq)]
pub struct Escalation {
    /// In which steps.
    pub growth: Growth,
    /// What the steps are multiplied with; of [`Growth::Exponential`], the exponent.
    pub factor: f64,
    /// No ban time grows beyond it.
    pub max: Option<Duration>,
    /// Up to so much is added to a ban time that has grown, also beyond `max`, so that nobody can
    /// tell when the ban ends.
    pub random: Duration,
    /// The bans that other jails gave count, too.
    pub all_jails: bool,
    /// Bans that have been over for so long count no more.
    pub forget: Duration,
}

/// A ban time as a function of the number `n` of bans before it, the jail's ban time and the factor.
#[derive(Clone, Debug, PartialEq)]
pub enum Growth {
    /// `ban time * factor * 2^n`; `n` counts up to 20.
    Doubling,
    /// `ban time * e^(factor * n)`.
    Exponential,
    /// `ban time * factor * (n + 1)`.
    Linear,
    /// `ban time * factor * multipliers[n]`; behind the last one, the last one.
    Multipliers(Vec<f64>),
}
