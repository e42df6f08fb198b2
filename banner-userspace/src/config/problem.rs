use std::fmt::{self, Write as _};
use std::path::PathBuf;

/// One thing that is wrong with a configuration, where, and what to do.
///
/// Displayed as `file:line:column: key: message`, without what is not known. Control characters
/// in it are escaped, so that a file cannot write to the terminal of who reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named.
    pub file: PathBuf,
    /// The line, from 1; 0 when the whole file is meant.
    pub line: usize,
    /// The column in characters, from 1; 0 when the whole file is meant.
    pub column: usize,
    /// The way to the key, as in `jails.sshd.logs[0]`; empty for the top of a file.
    pub key: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Escaped(&self.file.to_string_lossy()))?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            write!(f, "{}: ", Escaped(&self.key))?;
        }
        write!(f, "{}", Escaped(&self.message))
    }
}

/// Why a configuration is refused: all problems, in the order of the files and their lines.
///
/// Displayed with one problem per line, and the count at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems {
    shown: Vec<Problem>,
    hidden: usize,
}

impl Problems {
    pub(super) fn new(shown: Vec<Problem>, hidden: usize) -> Self {
        Self { shown, hidden }
    }

    /// The problems, without those beyond the first hundred of a file.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.shown.iter()
    }

    /// How many there are, shown or not.
    pub fn count(&self) -> usize {
        self.shown.len() + self.hidden
    }
}

impl<'a> IntoIterator for &'a Problems {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self {
            writeln!(f, "{problem}")?;
        }
        match self.count() {
            1 => f.write_str("1 problem")?,
            count => write!(f, "{count} problems")?,
        }
        match self.hidden {
            0 => Ok(()),
            hidden => write!(f, ", of which {hidden} are not shown"),
        }
    }
}

impl std::error::Error for Problems {}

/// Text from a file, fit for a terminal and for one line.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                // Harmless, and escaping them would make a pattern unreadable.
                '\\' | '"' | '\'' => f.write_char(c)?,
                _ => write!(f, "{}", c.escape_debug())?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(message: &str) -> Problem {
        Problem {
            file: "a.yaml".into(),
            line: 3,
            column: 7,
            key: "jails.x".to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn a_problem_cannot_write_to_the_terminal() {
        let said = problem("bad \u{1b}[2J\u{7}\n\u{9b}1m \u{202e} \"\\d\"").to_string();
        assert_eq!(
            said,
            "a.yaml:3:7: jails.x: bad \\u{1b}[2J\\u{7}\\n\\u{9b}1m \\u{202e} \"\\d\""
        );
    }

    #[test]
    fn a_problem_of_a_whole_file_has_no_position() {
        let mut problem = problem("does not exist");
        problem.line = 0;
        problem.key.clear();
        assert_eq!(problem.to_string(), "a.yaml: does not exist");
    }

    #[test]
    fn the_count_comes_last_and_includes_what_is_hidden() {
        let one = Problems::new(vec![problem("x")], 0).to_string();
        assert_eq!(one, "a.yaml:3:7: jails.x: x\n1 problem");
        let many = Problems::new(vec![problem("x")], 4).to_string();
        assert!(
            many.ends_with("\n5 problems, of which 4 are not shown"),
            "{many}"
        );
    }
}
