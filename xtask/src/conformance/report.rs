//! The table at the end, and the disagreements before it.

use std::fmt;

use super::compare::{Comparison, Job, Tally};

/// What is printed.
pub(super) struct Report {
    show: usize,
    /// Lines before the table.
    remarks: Vec<String>,
    filters: Vec<Row>,
}

#[derive(Default)]
struct Row {
    name: String,
    sets: usize,
    samples: Sum,
    mutated: Sum,
    linear: usize,
    backtracking: usize,
    refused: usize,
}

#[derive(Default)]
struct Sum {
    rows: usize,
    failures: usize,
    exceptions: usize,
    at_the_end: usize,
    slow: usize,
    disagree: usize,
}

impl Sum {
    fn add(&mut self, tally: &Tally) {
        self.rows += tally.rows;
        self.failures += tally.failures;
        self.exceptions += tally.exceptions;
        self.at_the_end += tally.at_the_end;
        self.slow += tally.slow.len();
        self.disagree += tally.disagreements.len();
    }

    fn cells(&self) -> [String; 4] {
        let agree = self.rows - self.disagree;
        [self.rows, self.failures, agree, self.disagree].map(|n| n.to_string())
    }
}

impl Report {
    /// Prints up to `show` disagreements of each job and kind of lines.
    pub(super) fn new(show: usize) -> Self {
        Self {
            show,
            remarks: Vec::new(),
            filters: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, job: &Job, comparison: &Comparison) {
        if self
            .filters
            .last()
            .is_none_or(|row| row.name != job.filter.name)
        {
            self.filters.push(Row {
                name: job.filter.name.clone(),
                ..Row::default()
            });
        }
        if let Some(row) = self.filters.last_mut() {
            row.sets += 1;
            row.samples.add(&comparison.samples);
            row.mutated.add(&comparison.mutated);
            row.linear += comparison.engines.linear;
            row.backtracking += comparison.engines.backtracking;
            row.refused += usize::from(comparison.refused.is_some());
        }
        self.remark(job, comparison);
    }

    fn remark(&mut self, job: &Job, comparison: &Comparison) {
        let mut lines = Vec::new();
        if let Some(refused) = &comparison.refused {
            lines.push(format!("refused: {refused}"));
        }
        for tally in [&comparison.samples, &comparison.mutated] {
            let wrong = &tally.disagreements;
            // Without an answer there is nothing to see.
            if comparison.refused.is_none() {
                lines.extend(wrong.iter().take(self.show).map(ToString::to_string));
                let slow = tally.slow.iter().take(self.show);
                lines.extend(slow.map(|line| format!("too slow for fail2ban: {line}")));
                if wrong.len() > self.show {
                    lines.push(format!("and {} more", wrong.len() - self.show));
                }
            }
        }
        for difference in &comparison.annotations {
            lines.push(format!(
                "fail2ban's daemon and its annotation differ: {difference}"
            ));
        }
        let different = &comparison.every_pattern;
        for difference in different.iter().take(self.show) {
            lines.push(format!(
                "fail2ban's daemon and its tests differ: {difference}"
            ));
        }
        if different.len() > self.show {
            lines.push(format!("and on {} lines more", different.len() - self.show));
        }
        if !lines.is_empty() {
            self.remarks
                .push(format!("{job}:\n  - {}", lines.join("\n  - ")));
        }
    }

    /// Whether banner took every filter, and no line got two answers.
    pub(super) fn all_agree(&self) -> bool {
        let fine = |row: &Row| row.refused + row.samples.disagree + row.mutated.disagree == 0;
        self.filters.iter().all(fine)
    }
}

const HEAD: [&str; 13] = [
    "filter",
    "option sets",
    "refused",
    "rows",
    "failures",
    "agree",
    "disagree",
    "changed rows",
    "failures",
    "agree",
    "disagree",
    "linear",
    "backtracking",
];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for remark in &self.remarks {
            writeln!(f, "{remark}")?;
        }
        let mut all = Row {
            name: "all".into(),
            ..Row::default()
        };
        for row in &self.filters {
            all.sets += row.sets;
            all.refused += row.refused;
            all.linear += row.linear;
            all.backtracking += row.backtracking;
            for (sum, one) in [
                (&mut all.samples, &row.samples),
                (&mut all.mutated, &row.mutated),
            ] {
                sum.rows += one.rows;
                sum.failures += one.failures;
                sum.exceptions += one.exceptions;
                sum.at_the_end += one.at_the_end;
                sum.slow += one.slow;
                sum.disagree += one.disagree;
            }
        }
        let mut table = vec![HEAD.map(String::from).to_vec()];
        for row in self.filters.iter().chain([&all]) {
            let mut cells = vec![
                row.name.clone(),
                row.sets.to_string(),
                row.refused.to_string(),
            ];
            cells.extend(row.samples.cells());
            cells.extend(row.mutated.cells());
            cells.extend([row.linear, row.backtracking].map(|n| n.to_string()));
            table.push(cells);
        }
        let widths: Vec<_> = (0..HEAD.len())
            .map(|n| table.iter().map(|cells| cells[n].len()).max().unwrap_or(0))
            .collect();
        for cells in &table {
            write!(f, "{:width$}", cells[0], width = widths[0])?;
            for (cell, width) in cells.iter().zip(&widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        let exceptions = all.samples.exceptions + all.mutated.exceptions;
        writeln!(
            f,
            "lines at which fail2ban ran into an exception, so that it missed them: {exceptions}"
        )?;
        let slow = all.samples.slow + all.mutated.slow;
        writeln!(
            f,
            "lines that take fail2ban more than 2 s, and are not compared: {slow}"
        )?;
        let at_the_end = all.samples.at_the_end + all.mutated.at_the_end;
        writeln!(
            f,
            "failures at a time before 1677 or after 2262, which are told as at those: {at_the_end}"
        )?;
        let rows = all.samples.rows + all.mutated.rows;
        let disagree = all.samples.disagree + all.mutated.disagree;
        writeln!(
            f,
            "{} of {rows} rows agree, {disagree} disagree",
            rows - disagree
        )
    }
}
