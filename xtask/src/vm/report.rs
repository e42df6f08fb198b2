//! What the virtual machine says on its second serial port.

use anyhow::{Result, ensure};

use crate::summary::Summary;

/// What tests print where a kernel does less than newer ones.
const DIFFERS: &str = "DIFFERS: ";

/// What was read so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// The release that the kernel calls itself.
    pub(super) release: Option<String>,
    pub(super) summary: Summary,
    /// Where this kernel does less than newer ones.
    pub(super) differences: Vec<String>,
    /// What has run and ended, in order.
    programs: Vec<Program>,
    /// The machine's own trouble.
    errors: Vec<String>,
    running: Option<Running>,
    done: bool,
}

#[derive(Debug)]
struct Program {
    name: String,
    /// How many tests of it have passed, failed or been skipped.
    tests: u64,
}

#[derive(Debug)]
struct Running {
    name: String,
    before: Summary,
}

impl Report {
    /// Takes in one line.
    pub(super) fn read(&mut self, line: &str) {
        if let Some(difference) = line.strip_prefix(DIFFERS) {
            let difference = difference.to_owned();
            if !self.differences.contains(&difference) {
                self.differences.push(difference);
            }
        } else if let Some(own) = line.strip_prefix("vm: ") {
            self.read_own(own);
        } else {
            self.summary.read(line);
        }
    }

    fn read_own(&mut self, line: &str) {
        if line == "done" {
            self.done = true;
        } else if let Some(release) = line.strip_prefix("kernel ") {
            self.release = Some(release.to_owned());
        } else if let Some(error) = line.strip_prefix("error: ") {
            self.errors.push(error.to_owned());
        } else if let Some(name) = line.strip_prefix("running ") {
            self.running = Some(Running {
                name: name.to_owned(),
                before: self.summary,
            });
        } else if let Some((name, (_, status))) = line
            .split_once(" ended after ")
            .and_then(|(name, rest)| Some((name, rest.split_once(" s: ")?)))
            && let Some(running) = self.running.take_if(|running| running.name == name)
        {
            if status != "exit status: 0" && self.summary.failed == running.before.failed {
                self.errors.push(format!("{name} ended with {status}"));
            }
            self.programs.push(Program {
                name: running.name,
                tests: total(&self.summary) - total(&running.before),
            });
        } else {
            self.errors.push(format!("not understood: vm: {line}"));
        }
    }

    /// Fails unless the machine has carried everything out and each program has run exactly as many
    /// tests as `expected` says, in order. Failed tests are in the summary and no error here.
    pub(super) fn check(&self, expected: &[(String, usize)]) -> Result<()> {
        ensure!(self.errors.is_empty(), "{}", self.errors.join("; "));
        if let Some(running) = &self.running {
            anyhow::bail!("the machine ended while {} ran", running.name);
        }
        ensure!(
            self.release.is_some(),
            "the machine ended before its first program ran"
        );
        ensure!(self.done, "the machine ended before it had run everything");
        ensure!(
            self.programs.len() == expected.len(),
            "{} programs ran, not {}",
            self.programs.len(),
            expected.len()
        );
        for (program, (name, tests)) in self.programs.iter().zip(expected) {
            ensure!(
                program.name == *name && usize::try_from(program.tests) == Ok(*tests),
                "of {name}, {tests} tests should have run, and of {}, {} did",
                program.name,
                program.tests
            );
        }
        Ok(())
    }
}

fn total(summary: &Summary) -> u64 {
    summary.passed + summary.failed + summary.skipped
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "vm: kernel 1.2.3-x\n\
        vm: running all-1\n\
        test a ... ok\n\
        SKIPPED: no such thing\n\
        DIFFERS: no frags\n\
        DIFFERS: no frags\n\
        test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured\n\
        vm: all-1 ended after 7 s: exit status: 0\n\
        vm: done\n";

    fn report(text: &str) -> Report {
        let mut report = Report::default();
        text.lines().for_each(|line| report.read(line));
        report
    }

    fn error(text: &str) -> String {
        report(text)
            .check(&[("all-1".to_owned(), 3)])
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_run_that_carried_everything_out_is_good() {
        let report = report(RUN);
        report.check(&[("all-1".to_owned(), 3)]).unwrap();
        assert_eq!(report.release.as_deref(), Some("1.2.3-x"));
        assert_eq!(report.summary.to_string(), "2 passed, 0 failed, 1 skipped");
        assert_eq!(report.differences, ["no frags"]);
    }

    #[test]
    fn a_run_that_ended_early_is_an_error_wherever_it_ended() {
        let lines: Vec<_> = RUN.lines().collect();
        for kept in 0..lines.len() {
            assert!(!error(&lines[..kept].join("\n")).is_empty(), "{kept} lines");
        }
        assert!(error(&RUN.replace("3 passed", "2 passed")).contains("3 tests should"));
        assert!(error(&RUN.replace("status: 0", "status: 101")).contains("status: 101"));
        assert!(
            error(&RUN.replace("vm: done", "vm: error: no veth\nvm: done")).contains("no veth")
        );
    }

    #[test]
    fn failed_tests_are_counted_and_no_further_error() {
        let text = RUN
            .replace("ok. 3 passed; 0 failed", "FAILED. 2 passed; 1 failed")
            .replace("status: 0", "status: 101");
        let report = report(&text);
        report.check(&[("all-1".to_owned(), 3)]).unwrap();
        assert_eq!(report.summary.failed, 1);
    }
}
