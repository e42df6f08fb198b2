//! Writes the first inputs of a target into a folder, and beside it a list of words for libFuzzer:
//! `seeds TARGET FOLDER WORDS`.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path, process::ExitCode};

use banner_fuzz::{TARGETS, filters::specs};

/// More words than these only dilute.
const WORDS: usize = 2000;

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [name, folder, words] = arguments.as_slice() else {
        eprintln!("usage: seeds TARGET FOLDER WORDS");
        return ExitCode::FAILURE;
    };
    let Some(target) = TARGETS.iter().find(|target| target.name == *name) else {
        eprintln!("no target is named {name}");
        return ExitCode::FAILURE;
    };
    let seeds = (target.seeds)();
    for (n, seed) in seeds.iter().enumerate() {
        if let Err(error) = fs::write(Path::new(folder).join(format!("seed-{n}")), seed) {
            eprintln!("{folder}: {error}");
            return ExitCode::FAILURE;
        }
    }
    if let Err(error) = fs::write(words, dictionary()) {
        eprintln!("{words}: {error}");
        return ExitCode::FAILURE;
    }
    println!("{} first inputs for {name}", seeds.len());
    ExitCode::SUCCESS
}

/// The words of all samples, as libFuzzer reads them.
fn dictionary() -> String {
    let mut words = BTreeSet::new();
    for spec in specs() {
        for line in spec.samples.iter().flat_map(|sample| &sample.lines) {
            let parts = line.split(' ').filter(|word| (3..32).contains(&word.len()));
            words.extend(parts.map(str::to_owned));
        }
    }
    let mut text = String::new();
    let step = words.len().div_ceil(WORDS).max(1);
    for word in words.iter().step_by(step) {
        text.push('"');
        for byte in word.bytes() {
            match byte {
                b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
                b' '..=b'~' => text.push(char::from(byte)),
                other => {
                    let _ = write!(text, "\\x{other:02X}");
                }
            }
        }
        text.push_str("\"\n");
    }
    text
}
