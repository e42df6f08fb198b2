//! Counting the tests of many test programs.

use std::fmt;

/// What test programs reported, over all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) passed: u64,
    /// Failed tests, and programs that ended badly without saying which test failed.
    pub(crate) failed: u64,
    /// Ignored by an attribute, or ended without a verdict after a line that starts with `SKIPPED`.
    pub(crate) skipped: u64,
    /// `SKIPPED` lines of the program that is being read.
    announced: u64,
}

impl Summary {
    /// Takes in one line of a test program's output.
    pub(crate) fn read(&mut self, line: &str) {
        if line.starts_with("SKIPPED") {
            self.announced += 1;
        } else if let Some(counts) = line.strip_prefix("test result: ") {
            // libtest takes a test that announced its skipping and returned for passed.
            let skipped = std::mem::take(&mut self.announced);
            self.passed += count(counts, "passed").saturating_sub(skipped);
            self.failed += count(counts, "failed");
            self.skipped += count(counts, "ignored") + skipped;
        }
    }

    /// Counts a program that ended badly without saying which test failed.
    pub(crate) fn ended_badly(&mut self) {
        self.announced = 0;
        self.failed += 1;
    }

    /// Takes in what another summary has counted.
    pub(crate) fn add(&mut self, other: &Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Whether at least one test ran and nothing failed.
    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            passed,
            failed,
            skipped,
            ..
        } = self;
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// The number before `word` in `ok. 3 passed; 0 failed; …`.
fn count(counts: &str, word: &str) -> u64 {
    let mut words = counts.split([' ', ';']).filter(|word| !word.is_empty());
    let mut before = None;
    words
        .find_map(|found| {
            let number = before.replace(found);
            (found == word).then_some(number).flatten()
        })
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(lines: &[&str]) -> Summary {
        let mut summary = Summary::default();
        for line in lines {
            summary.read(line);
        }
        summary
    }

    #[test]
    fn the_counts_of_several_programs_add_up() {
        let summary = summary(&[
            "running 4 tests",
            "test a ... ok",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 7 filtered out; finished in 0.00s",
            "test result: FAILED. 40 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
        ]);
        assert_eq!(summary.to_string(), "43 passed, 2 failed, 1 skipped");
        assert!(!summary.is_good());
    }

    #[test]
    fn a_test_that_says_it_skipped_has_not_passed() {
        let summary = summary(&[
            "---- old_kernel stdout ----",
            "SKIPPED: no such program type",
            "test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        ]);
        assert_eq!(summary.to_string(), "5 passed, 0 failed, 1 skipped");
        assert!(summary.is_good());
    }

    #[test]
    fn what_ran_no_test_or_ended_badly_is_not_good() {
        assert!(!Summary::default().is_good());
        let mut crashed = summary(&["test result: ok. 5 passed; 0 failed; 0 ignored"]);
        assert!(crashed.is_good());
        crashed.ended_badly();
        assert!(!crashed.is_good());
        assert_eq!(crashed.to_string(), "5 passed, 1 failed, 0 skipped");
    }
}
