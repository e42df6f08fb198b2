//! Bans that grow: `bantime.increment` and what belongs to it → `escalation`.

use super::duration;

/// Formulas that fail2ban's own configuration names, without blanks, and the words for them.
const FORMULAS: [(&str, &str); 4] = [
    (
        "ban.Time*(1<<(ban.Countifban.Count<20else20))*banFactor",
        "doubling",
    ),
    (
        "ban.Time*math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)",
        "exponential",
    ),
    ("ban.Time*math.exp(ban.Count*banFactor)", "exponential"),
    ("ban.Time*(ban.Count+1)*banFactor", "linear"),
];

/// The value of `escalation` for these options; what is not carried over goes to `left_out`.
pub(super) fn escalation(
    option: impl Fn(&str) -> Option<String>,
    mut left_out: impl FnMut(String),
) -> String {
    let is_true = |text: String| ["1", "on", "true", "yes"].contains(&text.to_lowercase().as_str());
    if !option("bantime.increment").is_some_and(is_true) {
        return "false".to_owned();
    }
    let given = |name: &str| {
        let value = option(&format!("bantime.{name}"))?;
        Some(value.trim().to_owned()).filter(|value| !value.is_empty())
    };
    let mut keys = Vec::new();
    let mut odd = |name: &str, value: &str, why: &str| {
        left_out(format!("bantime.{name} = {value}: {why}"));
    };
    match (given("multipliers"), given("formula")) {
        (Some(text), _) => match multipliers(&text) {
            Some(list) => keys.push(format!("growth: [{list}]")),
            None => odd("multipliers", &text, "no list of numbers; ban times double"),
        },
        (None, Some(text)) => {
            let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
            match FORMULAS.iter().find(|(formula, _)| *formula == bare) {
                Some((_, "doubling")) => {}
                Some((_, word)) => keys.push(format!("growth: {word}")),
                None => odd(
                    "formula",
                    &text,
                    "a program, of which banner knows only those that fail2ban's own configuration \
                     names; ban times double",
                ),
            }
        }
        (None, None) => {}
    }
    if let Some(text) = given("factor") {
        match duration::seconds(&text) {
            Some(factor) if factor > 0.0 && factor <= 1e6 =>
            {
                #[expect(clippy::float_cmp, reason = "1 is what holds where nothing is said")]
                if factor != 1.0 {
                    keys.push(format!("factor: {factor}"));
                }
            }
            _ => odd("factor", &text, "no number above zero; it is 1"),
        }
    }
    for (theirs, ours) in [("maxtime", "max"), ("rndtime", "random")] {
        if let Some(text) = given(theirs) {
            match duration::seconds(&text) {
                Some(seconds) if (1.0..=3650.0 * 86_400.0).contains(&seconds) => {
                    let time = std::time::Duration::from_secs_f64(seconds.floor());
                    keys.push(format!("{ours}: {}", duration::written(time)));
                }
                _ => odd(theirs, &text, "no time that banner has"),
            }
        }
    }
    if given("overalljails").is_some_and(is_true) {
        keys.push("all_jails: true".to_owned());
    }
    if keys.is_empty() {
        "true".to_owned()
    } else {
        format!("{{ {} }}", keys.join(", "))
    }
}

/// Numbers, as a list is written.
fn multipliers(text: &str) -> Option<String> {
    let numbers = text.split_whitespace().map(|word| word.parse::<u32>().ok());
    let numbers: Vec<_> = numbers.collect::<Option<_>>()?;
    let words: Vec<_> = numbers.iter().map(u32::to_string).collect();
    numbers
        .iter()
        .all(|number| (1..=1_000_000).contains(number))
        .then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_become_keys() {
        for (options, expected, left_out) in [
            (&[][..], "false", 0),
            (&[("increment", "no"), ("factor", "2")], "false", 0),
            (&[("increment", "True")], "true", 0),
            (
                &[
                    ("increment", "true"),
                    (
                        "formula",
                        "ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor",
                    ),
                    ("factor", "1"),
                ],
                "true",
                0,
            ),
            (
                &[
                    ("increment", "yes"),
                    (
                        "formula",
                        "ban.Time * math.exp(float(ban.Count+1)*banFactor)/math.exp(1*banFactor)",
                    ),
                    ("factor", "2.0 / 4"),
                    ("maxtime", "4w"),
                    ("rndtime", "600"),
                    ("overalljails", "true"),
                ],
                "{ growth: exponential, factor: 0.5, max: 4w, random: 10m, all_jails: true }",
                0,
            ),
            (
                &[
                    ("increment", "1"),
                    ("multipliers", "1 5 30 60"),
                    ("formula", "x"),
                ],
                "{ growth: [1, 5, 30, 60] }",
                0,
            ),
            (
                &[
                    ("increment", "1"),
                    ("formula", "__import__('os')"),
                    ("factor", "0"),
                    ("maxtime", "-1"),
                ],
                "true",
                3,
            ),
            (&[("increment", "1"), ("multipliers", "1 x")], "true", 1),
        ] {
            let mut odd = Vec::new();
            let option = |name: &str| {
                let name = name.strip_prefix("bantime.")?;
                let (_, value) = options.iter().find(|(option, _)| *option == name)?;
                Some((*value).to_owned())
            };
            assert_eq!(escalation(option, |text| odd.push(text)), expected);
            assert_eq!(odd.len(), left_out, "{odd:?}");
        }
    }
}
