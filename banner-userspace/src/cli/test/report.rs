//! What `banner test` says to people.

use std::time::Duration;

use serde_json::json;

use super::{
    super::{
        output::{self, say},
        table::{aligned, escaped},
    },
    subject::Subject,
    tally::{Listed, Tally},
    timing::{Cost, Costs},
};
use crate::filter::Engine;

/// On average longer than this for a line is slow: a hundred thousand lines a second and fewer.
const SLOW: Duration = Duration::from_micros(10);

/// A line that takes longer than this shows what an attacker could do.
const VERY_SLOW: Duration = Duration::from_millis(1);

/// Says what was seen; the `top` hosts and ids with most failures.
pub(super) fn report(subject: &Subject, tally: &Tally, costs: &Costs, top: usize) {
    for note in &subject.notes {
        say!("note: {}", escaped(note));
    }
    let mut counts = vec![
        count_of("lines", tally.lines),
        count_of("failures", tally.failures),
        count_of("ignored", tally.ignored),
        count_of("missed", tally.missed()),
    ];
    if tally.cut > 0 {
        counts.push(count_of("cut", tally.cut));
    }
    if tally.exhausted > 0 {
        counts.push(count_of("given up", tally.exhausted));
    }
    block(&format!("filter {}", escaped(&subject.name)), &counts);
    block("patterns", &patterns_seen(subject, tally, costs));
    if !tally.who.is_empty() {
        let all = tally.who.len();
        let top = tally.top(top);
        let mut rows: Vec<_> = (top.iter())
            .map(|(who, count)| vec![escaped(who), count.to_string()])
            .collect();
        if all > top.len() {
            rows.push(vec![format!("and {} more", all - top.len())]);
        }
        if tally.others > 0 {
            rows.push(vec![
                "not counted one by one".into(),
                tally.others.to_string(),
            ]);
        }
        block("addresses and ids", &rows);
    }
    let forms = tally
        .forms
        .iter()
        .map(|(form, count)| vec![escaped(form), count.to_string()]);
    block("forms of time stamps", &forms.collect::<Vec<_>>());
    let stamps = tally
        .stamps
        .iter()
        .map(|(worth, count)| count_of(worth, *count));
    block("time stamps of failures", &stamps.collect::<Vec<_>>());
    list("failures", &tally.listed_failures, tally.failures);
    list("ignored", &tally.listed_ignored, tally.ignored);
    list("missed", &tally.listed_missed, tally.missed());
}

fn count_of(name: &str, count: u64) -> Vec<String> {
    vec![name.to_owned(), count.to_string()]
}

fn block(title: &str, rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    say!("{title}");
    for line in aligned(rows).lines() {
        say!("  {line}");
    }
}

fn list(title: &str, lines: &[Listed], all: u64) {
    if lines.is_empty() {
        return;
    }
    say!("{title}: the first {} of {all} lines", lines.len());
    for listed in lines {
        say!("  {}: {}", listed.line, escaped(&listed.text));
    }
}

fn patterns_seen(subject: &Subject, tally: &Tally, costs: &Costs) -> Vec<Vec<String>> {
    let head = ["", "hits", "time a line", "longest", "", ""];
    let mut rows = vec![head.map(String::from).to_vec()];
    let engines = subject.filter.engines();
    for (n, text) in subject.filter.spec().fail.iter().enumerate() {
        let hits = tally.hits.get(n).copied().unwrap_or(0);
        let mut cells = vec![format!("fail[{n}]"), hits.to_string()];
        cells.extend(costs_of(costs.each.get(n).copied().flatten()));
        let backtracking = engines.fail.get(n) == Some(&Engine::Backtracking);
        cells.push(if backtracking { "backtracking" } else { "" }.to_owned());
        cells.push(shortened(text));
        rows.push(cells);
    }
    let mut all = vec!["all".to_owned(), tally.failures.to_string()];
    all.extend(costs_of(costs.all));
    rows.push(all);
    rows
}

fn costs_of(cost: Option<Cost>) -> [String; 2] {
    let Some(cost) = cost else {
        return ["-", "-"].map(String::from);
    };
    let slow = if cost.average > SLOW { " slow" } else { "" };
    let very = if cost.worst > VERY_SLOW { " slow" } else { "" };
    [
        format!("{:.1?}{slow}", cost.average),
        format!("{:.1?} (line {}){very}", cost.worst, cost.line),
    ]
}

/// Enough of a pattern to know it by.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    let mut short: String = text.chars().take(SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    escaped(&short)
}

/// Lists the filter's patterns.
pub(super) fn patterns(subject: &Subject, as_json: bool) {
    let spec = subject.filter.spec();
    let engines = subject.filter.engines();
    let prefilter = (spec.prefilter.iter()).map(|text| ("prefilter".to_owned(), text));
    let named = |part: &'static str, texts: &'_ [String]| {
        let names = (0..texts.len()).map(move |n| format!("{part}[{n}]"));
        names.collect::<Vec<_>>()
    };
    let fail = named("fail", &spec.fail).into_iter().zip(&spec.fail);
    let ignore = named("ignore", &spec.ignore).into_iter().zip(&spec.ignore);
    let engines = (engines.prefilter.iter())
        .chain(&engines.fail)
        .chain(&engines.ignore);
    let mut lines = output::Lines::new();
    for ((part, text), engine) in prefilter.chain(fail).chain(ignore).zip(engines) {
        let engine = match engine {
            Engine::Linear => "linear",
            Engine::Backtracking => "backtracking",
        };
        if as_json {
            lines.json(&json!({"part": part, "engine": engine, "text": text}));
        } else {
            lines.text(&format!("{part}  {engine}  {}", escaped(text)));
        }
    }
    lines.flush();
}
