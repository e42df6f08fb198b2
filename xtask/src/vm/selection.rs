//! Which tests run in the virtual machines, and which do not and why.

use std::{path::PathBuf, process::Command};

use anyhow::{Context as _, Result, bail};

use crate::{command, test};

/// Test programs of package `banner-tests`. `vm` is for virtual machines only: it needs network
/// cards that nobody else uses.
const PROGRAMS: [&str; 2] = ["all", "vm"];

/// Tests that are left out, by the beginning of their names, and why.
const LEFT_OUT: [(&str, &str); 8] = [
    (
        "ssh::",
        "they need sshd; others run the same agent on the same paths of the kernel",
    ),
    (
        "imported::",
        "they need nginx, vsftpd and fail2ban's configuration; see those with sshd",
    ),
    (
        "bench::",
        "they are about the bench, which measures the kernel of the machine",
    ),
    ("gap::", "its flood is a shell's, which is not there"),
    ("logs::", OF_FILES),
    ("bad_input::lines::", OF_FILES),
    ("bad_input::logs::", OF_FILES),
    ("bad_input::configuration::", OF_FILES),
];
const OF_FILES: &str = "they are about files and texts, which all kernels treat alike";

/// A test program and what of it runs.
pub(super) struct Selected {
    pub(super) program: PathBuf,
    /// Full names of tests, at least one.
    pub(super) tests: Vec<String>,
}

/// What runs, and for each entry of [`LEFT_OUT`] how many tests it leaves out.
pub(super) struct Selection {
    pub(super) selected: Vec<Selected>,
    left_out: [usize; LEFT_OUT.len()],
    /// Left out because their names do not contain what was asked for.
    filtered: usize,
}

impl Selection {
    /// Builds the test programs and takes from them what runs; with `filters`, of that only
    /// tests whose name contains one of them.
    pub(super) fn build(filters: &[String]) -> Result<Self> {
        let mut selection = Self {
            selected: Vec::new(),
            left_out: [0; LEFT_OUT.len()],
            filtered: 0,
        };
        for name in PROGRAMS {
            let arguments = [
                "test",
                "--package",
                "banner-tests",
                "--test",
                name,
                "--no-run",
            ];
            let [program] =
                <[PathBuf; 1]>::try_from(test::built(&arguments)?).map_err(|built| {
                    anyhow::anyhow!("cargo built {} programs, not one", built.len())
                })?;
            let mut list = Command::new(&program);
            let list = command::read(list.args(["--list", "--format", "terse"]))?;
            let tests = selection.take(&list, filters);
            if !tests.is_empty() {
                selection.selected.push(Selected { program, tests });
            }
        }
        if selection.selected.is_empty() {
            bail!("no test has {} in its name", filters.join(" or "));
        }
        Ok(selection)
    }

    /// The tests that run among those in `list`, lines as `--list --format terse` prints them.
    fn take(&mut self, list: &str, filters: &[String]) -> Vec<String> {
        let mut tests = Vec::new();
        let names = list.lines().filter_map(|line| line.strip_suffix(": test"));
        for name in names {
            let left_out = LEFT_OUT
                .iter()
                .position(|(beginning, _)| name.starts_with(beginning));
            if let Some(entry) = left_out {
                self.left_out[entry] += 1;
            } else if !(filters.is_empty() || filters.iter().any(|filter| name.contains(filter))) {
                self.filtered += 1;
            } else {
                tests.push(name.to_owned());
            }
        }
        tests
    }

    /// What does not run, a line each.
    pub(super) fn omissions(&self) -> Vec<String> {
        let mut lines: Vec<_> = LEFT_OUT
            .iter()
            .zip(self.left_out)
            .map(|((beginning, why), count)| match count {
                0 => format!("no test is named {beginning}… any more: see {}", file!()),
                _ => format!("not run: {count} tests {beginning}… ({why})"),
            })
            .collect();
        if self.filtered > 0 {
            lines.push(format!("not run: {} tests, not asked for", self.filtered));
        }
        lines
    }
}

impl Selected {
    /// What the report calls the program.
    pub(super) fn file_name(&self) -> Result<String> {
        let name = self.program.file_name().context("a program has a name")?;
        Ok(name.to_string_lossy().into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_that_do_not_run_are_counted_under_their_reason() {
        let mut selection = Selection {
            selected: Vec::new(),
            left_out: [0; LEFT_OUT.len()],
            filtered: 0,
        };
        let list = "ssh::ipv4::a: test\nverdict::ssh::b: test\nwire::c: test\nssh::d: test\n\
                    lab::e: benchmark\n";
        assert_eq!(
            selection.take(list, &["verdict".into()]),
            ["verdict::ssh::b"]
        );
        assert_eq!(
            (selection.left_out, selection.filtered),
            ([2, 0, 0, 0, 0, 0, 0, 0], 1)
        );
        let said = selection.omissions().join("\n");
        assert!(said.contains("2 tests ssh::"), "{said}");
        assert!(said.contains("no test is named logs::"), "{said}");
        assert!(said.contains("1 tests, not asked for"), "{said}");
    }
}
