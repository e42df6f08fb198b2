//! The same lines through fail2ban's detector and ours.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{Seek, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use jiff::tz::TimeZone;
use serde_json::{Value, json};

mod lines;

pub(super) use self::lines::Dice;
use self::lines::{PATTERNS, SNIPPETS, ZONES, mutated, tail_mutated};
use super::{Detector, DetectorState, zone};
use crate::{filter::spec::Stamps, model::Wall};

/// A log: how it is read, and its lines with the time at which each is read.
struct Log {
    zone: &'static str,
    default: Option<&'static str>,
    patterns: Option<Vec<String>>,
    lines: Vec<(String, i64)>,
}

impl Log {
    fn ask(&self, questions: &mut Vec<String>) {
        let now = self.lines.first().map_or(0, |(_, now)| *now);
        let log = json!({
            "tz": self.zone, "now": now, "default": self.default, "patterns": self.patterns,
        });
        questions.push(log.to_string());
        for (line, now) in &self.lines {
            questions.push(json!({ "line": line, "now": now }).to_string());
        }
    }

    /// Compares fail2ban's answers with ours; how many differ.
    fn compare<'a>(&self, answers: &mut impl Iterator<Item = &'a str>) -> usize {
        let mut answer = || serde_json::from_str::<Value>(answers.next().unwrap()).unwrap();
        let stamps = self
            .patterns
            .clone()
            .map_or(Stamps::Known, Stamps::Patterns);
        let tz = TimeZone::get(self.zone)
            .or_else(|_| TimeZone::posix(self.zone))
            .unwrap();
        let default = self.default.map(|zone| match zone::offset(zone) {
            zone::Offset::Minutes(minutes) => minutes * 60,
            other => panic!("{other:?}"),
        });
        let year = i16::try_from(1970 + year_of_the_test()).unwrap();
        let detector = Detector::new(&stamps, year, default, tz);
        let wrong = answer();
        assert_eq!(
            detector.is_err(),
            !wrong.is_null(),
            "{:?}: fail2ban says {wrong}, we say {:?}",
            self.patterns,
            detector.as_ref().err()
        );
        let mut state = DetectorState::default();
        let mut different = 0;
        for (line, now) in &self.lines {
            let theirs = answer();
            let Ok(detector) = &detector else {
                continue;
            };
            let ours = detector.find(&mut state, line, Wall::from_secs(*now));
            let same = match (&ours, &theirs) {
                (None, Value::Null) => true,
                (Some(found), Value::String(_)) => found.lost,
                (Some(found), Value::Array(place)) => {
                    let at = place[2].as_f64();
                    place[0] == found.start
                        && place[1] == found.end
                        && place[3] == found.lost
                        && at.is_some() == found.at.is_some()
                        && at.zip(found.at).is_none_or(|(theirs, ours)| {
                            close(theirs, ours) || (self.is_posix() && theirs < 0.0)
                        })
                }
                _ => false,
            };
            if !same {
                different += 1;
                if different < 4 {
                    println!(
                        "{line:?} at {now} in {} ({:?}, {:?}):\n  fail2ban {theirs}\n  we {ours:?}",
                        self.zone, self.default, self.patterns
                    );
                }
            }
        }
        different
    }

    /// glibc has no summer before 1970 in zones that are a rule and nothing else.
    fn is_posix(&self) -> bool {
        self.zone.contains(',')
    }
}

/// fail2ban takes the year in which it starts, whatever the time of the log.
fn year_of_the_test() -> i64 {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    i64::try_from(now.as_secs()).unwrap() / 31_556_952
}

/// As numbers with a point, as fail2ban has them.
#[expect(
    clippy::cast_precision_loss,
    reason = "what is lost is less than a microsecond"
)]
fn close(theirs: f64, ours: Wall) -> bool {
    let ours = ours.0 as f64 / 1e9;
    // Beyond what a time has room for it is as late, or as early, as can be.
    let bound = i64::MAX as f64 / 1e9;
    (theirs.clamp(-bound, bound) - ours).abs() < 1.5e-6_f64.max(ours.abs() * 1e-15)
}

fn root() -> PathBuf {
    env::var_os("BANNER_FAIL2BAN")
        .expect("BANNER_FAIL2BAN: where fail2ban's package is unpacked")
        .into()
}

/// The lines of the sample logs, by file.
fn samples(root: &Path) -> Vec<Vec<String>> {
    let logs = root.join("usr/lib/python3/dist-packages/fail2ban/tests/files/logs");
    let mut files: Vec<_> = fs::read_dir(logs)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    files.push(root.join("usr/lib/python3/dist-packages/fail2ban/tests/files/testcase01.log"));
    let read = |file: &PathBuf| fs::read(file).ok();
    let logs: Vec<Vec<String>> = files
        .iter()
        .filter_map(read)
        .map(|text| {
            String::from_utf8_lossy(&text)
                .lines()
                .map(String::from)
                .collect()
        })
        .collect();
    assert!(logs.len() > 50, "only {} sample logs", logs.len());
    logs
}

/// Every `datepattern` in the stock filters.
fn stock_patterns(root: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for file in fs::read_dir(root.join("etc/fail2ban/filter.d")).unwrap() {
        let file = file.unwrap().path();
        if !file.is_file() {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        for line in text.lines() {
            let line = line.trim_start_matches('#');
            if let Some(value) = line.strip_prefix("datepattern = ") {
                let value = value.trim().replace("%%", "%");
                if !value.contains("%(") && !value.contains("/datepattern") {
                    found.insert(value);
                }
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

/// Asks fail2ban and compares. Returns the number of comparisons and of differences.
fn run(root: &Path, logs: &[Log]) -> (usize, usize) {
    let mut questions = Vec::new();
    for log in logs {
        log.ask(&mut questions);
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all((questions.join("\n") + "\n").as_bytes())
        .unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let out = Command::new("python3")
        .args(["-c", include_str!("peer.py")])
        .env("PYTHONPATH", root.join("usr/lib/python3/dist-packages"))
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONIOENCODING", "utf-8")
        .env("LC_ALL", "C.UTF-8")
        .stdin(file)
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{errors}");
    let answers = String::from_utf8(out.stdout).unwrap();
    let mut answers = answers.split('\n');
    let different = logs.iter().map(|log| log.compare(&mut answers)).sum();
    (logs.iter().map(|log| log.lines.len()).sum(), different)
}

/// The sample logs: as they are, with lines changed a little, and with lines in a row that have one
/// stamp.
fn sample_logs(samples: &[Vec<String>], dice: &mut Dice) -> Vec<Log> {
    let mut logs = Vec::new();
    for lines in samples {
        let (zone, nows) = *dice.of(ZONES);
        let now = *dice.of(nows);
        let log = |default, lines| Log {
            zone,
            default,
            patterns: None,
            lines,
        };
        let plain: Vec<_> = lines.iter().map(|line| (line.clone(), now)).collect();
        let mut changed = plain.clone();
        for (line, now) in &mut changed {
            // Between those that are not.
            if dice.below(3) > 0 {
                *line = mutated(line, dice);
            }
            *now += i64::try_from(dice.below(400)).unwrap();
        }
        let mut repeated = Vec::new();
        for (line, mut now) in plain.clone() {
            for _ in 0..3 {
                // Something else behind the stamp, or almost the same stamp.
                repeated.push((tail_mutated(&line, dice), now));
                now += i64::from(dice.below(5) == 0);
            }
        }
        logs.push(log(None, plain));
        logs.push(log(None, changed));
        logs.push(log(*dice.of(&[None, None, Some("EST")]), repeated));
    }
    logs
}

/// For each pattern and zone a log of lines of all kinds.
fn pattern_logs(
    patterns: &[Option<Vec<String>>],
    samples: &[Vec<String>],
    dice: &mut Dice,
) -> Vec<Log> {
    let all: Vec<&String> = samples.iter().flatten().collect();
    let defaults = [
        None,
        None,
        None,
        Some("UTC"),
        Some("+0200"),
        Some("CET-01:30"),
    ];
    let mut logs = Vec::new();
    for patterns in patterns {
        for &(zone, nows) in ZONES {
            let mut now = *dice.of(nows);
            let from = dice.below(all.len());
            let mut lines = Vec::new();
            for n in 0..400 {
                now += i64::try_from(dice.below(90)).unwrap();
                let next = all[(from + n) % all.len()];
                let line = if dice.below(3) > 0 {
                    next
                } else {
                    *dice.of(&all)
                };
                let stamp = *dice.of(SNIPPETS);
                let line = match dice.below(6) {
                    0 => line.clone(),
                    1 => format!("{stamp} {line}"),
                    2 => mutated(stamp, dice),
                    3 => stamp.into(),
                    _ => mutated(line, dice),
                };
                lines.push((line, now));
            }
            logs.push(Log {
                zone,
                default: *dice.of(&defaults),
                patterns: patterns.clone(),
                lines,
            });
        }
    }
    logs
}

/// `BANNER_STAMP_SEED` and `BANNER_STAMP_ROUNDS` make it another or a longer one.
#[test]
#[ignore = "needs fail2ban: its package unpacked where BANNER_FAIL2BAN says"]
fn agrees_with_fail2ban() {
    let root = root();
    let number = |name, otherwise| env::var(name).map_or(otherwise, |text| text.parse().unwrap());
    let seed = number("BANNER_STAMP_SEED", 1);
    println!("BANNER_STAMP_SEED={seed}");
    let mut dice = Dice(seed);
    let samples = samples(&root);
    let mut patterns = vec![None];
    patterns.extend(
        stock_patterns(&root)
            .into_iter()
            .map(|pattern| Some(vec![pattern])),
    );
    for lines in PATTERNS {
        patterns.push(Some(lines.iter().map(|&line| line.into()).collect()));
    }
    let (mut compared, mut different) = (0, 0);
    for _ in 0..number("BANNER_STAMP_ROUNDS", 2) {
        let mut logs = sample_logs(&samples, &mut dice);
        logs.extend(pattern_logs(&patterns, &samples, &mut dice));
        let (more, wrong) = run(&root, &logs);
        compared += more;
        different += wrong;
    }
    println!("{compared} lines compared, {different} of them read otherwise");
    assert!(compared >= 150_000);
    assert_eq!(different, 0);
}
