//! What a fuzzer is given to break, as functions of bytes that panic when something is wrong.
//!
//! Each target takes any bytes. Nothing that is read from files or logs may make banner panic, take
//! long or take much memory; what more must hold stands with each. `cargo xtask fuzz` builds them for
//! libFuzzer and runs them; the tests here run them on the first inputs, which are made of the library's
//! samples.

pub mod budget;
pub mod configuration;
pub mod directory;
pub mod entry;
pub mod filters;
pub mod frame;
pub mod ini;
pub mod lines;
pub mod message;
pub mod parts;
pub mod record;
pub mod seeds;
pub mod stamps;
pub mod translator;

/// A target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of its program and of its module.
    pub name: &'static str,
    /// What it does with an input.
    pub run: fn(&[u8]),
    /// The inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// All targets.
pub const TARGETS: [Target; 10] = [
    Target {
        name: "translator",
        run: translator::run,
        seeds: seeds::patterns,
    },
    Target {
        name: "ini",
        run: ini::run,
        seeds: seeds::ini,
    },
    Target {
        name: "directory",
        run: directory::run,
        seeds: seeds::directories,
    },
    Target {
        name: "stamps",
        run: stamps::run,
        seeds: seeds::stamped,
    },
    Target {
        name: "lines",
        run: lines::run,
        seeds: seeds::logs,
    },
    Target {
        name: "configuration",
        run: configuration::run,
        seeds: seeds::configurations,
    },
    Target {
        name: "record",
        run: record::run,
        seeds: seeds::records,
    },
    Target {
        name: "entry",
        run: entry::run,
        seeds: seeds::entries,
    },
    Target {
        name: "message",
        run: message::run,
        seeds: seeds::messages,
    },
    Target {
        name: "frame",
        run: frame::run,
        seeds: seeds::frames,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_inputs_of_every_target_break_nothing() {
        for target in TARGETS {
            let seeds = (target.seeds)();
            assert!(!seeds.is_empty(), "{}", target.name);
            for seed in &seeds {
                (target.run)(seed);
            }
        }
    }

    #[test]
    fn empty_inputs_and_those_of_one_byte_break_nothing() {
        for target in TARGETS {
            (target.run)(b"");
            for byte in 0..=255 {
                (target.run)(&[byte]);
            }
        }
    }
}
