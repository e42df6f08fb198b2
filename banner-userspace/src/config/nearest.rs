use super::section::Section;
use super::sections;
use super::yaml::shortened;

/// The candidate that `word` was probably meant to be.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    let word = folded(word);
    // A third of the word may be wrong, so that short words are not guessed from nothing.
    let most = (word.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| {
            let distance = strsim::damerau_levenshtein(&word, &folded(candidate));
            (distance, candidate)
        })
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn folded(word: &str) -> String {
    // Longer than any name here: the distance costs the product of the lengths.
    word.chars()
        .take(100)
        .map(|c| {
            if c == '-' {
                '_'
            } else {
                c.to_ascii_lowercase()
            }
        })
        .collect()
}

/// The message for a key that a section does not have.
pub(crate) fn unknown_key(section: &Section, key: &str) -> String {
    if key == "<<" {
        return "merge keys are not supported; repeat the values, or put them in `defaults`"
            .to_owned();
    }
    let names = || section.settings.iter().map(|s| s.name());
    let said_otherwise = section
        .settings
        .iter()
        .find(|s| s.also().contains(&folded(key).as_str()))
        .map(|s| s.name());
    if let Some(meant) = said_otherwise {
        return format!("unknown key; did you mean {meant}?");
    }
    let elsewhere: Vec<&str> = sections::SECTIONS
        .iter()
        .filter(|other| other.settings.iter().any(|s| s.name() == key))
        .map(|other| other.name)
        .collect();
    if !elsewhere.is_empty() {
        return format!(
            "not a key of {}; it belongs in {}",
            section.name,
            elsewhere.join(" or ")
        );
    }
    match nearest(key, names()) {
        Some(near) => format!("unknown key; did you mean {near}?"),
        None => format!(
            "unknown key; the keys of {} are {}",
            section.name,
            names().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The end of the message for a name that is not among the known ones.
pub(crate) fn suggest<'c>(word: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(word, known.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("known: {}", shortened_list(&known)),
    }
}

fn shortened_list(names: &[&str]) -> String {
    const MOST: usize = 12;
    let mut list: Vec<String> = names.iter().take(MOST).map(|n| shortened(n)).collect();
    if names.len() > MOST {
        list.push("…".to_owned());
    }
    list.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_recognised_and_another_word_is_not() {
        let known = ["max_retry", "find_time", "ban_time", "mode", "logs"];
        let rows = [
            ("max_retyr", Some("max_retry")),
            ("maxretry", Some("max_retry")),
            ("max-retry", Some("max_retry")),
            ("MAX_RETRY", Some("max_retry")),
            ("bantime", Some("ban_time")),
            ("log", Some("logs")),
            ("modes", Some("mode")),
            ("port", None),
            ("x", None),
            ("", None),
            ("backend", None),
        ];
        for (word, near) in rows {
            assert_eq!(nearest(word, known), near, "{word}");
        }
    }
}
