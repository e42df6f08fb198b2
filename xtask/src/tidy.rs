//! `cargo xtask tidy`: the rules on what a line may touch, checked on the sources.
//!
//! The rules are the design's (`ARCHITECTURE.md`). Rust is read as tokens, so comments and strings
//! break no rule, and code inside macros does.

mod mentions;
mod rooms;
mod text;
mod words;

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};

use crate::{build_ebpf, committed::Committed, places, record::Record};

/// A line that breaks a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    /// Relative to the workspace.
    file: PathBuf,
    line: usize,
    /// The rule in words, with what broke it.
    rule: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file.display(), self.line, self.rule)
    }
}

pub(crate) fn run() -> Result<()> {
    let root = places::workspace();
    let (findings, files) = findings(&root)?;
    for finding in &findings {
        eprintln!("{finding}");
    }
    for object in Committed::ALL {
        Record::check_committed(&object, &build_ebpf::flags())?;
    }
    if !findings.is_empty() {
        bail!("tidy: broken rules: {}", findings.len());
    }
    eprintln!("tidy: {files} files, no rule broken");
    Ok(())
}

/// Every broken rule below `root`, in order, and how many files were read.
fn findings(root: &Path) -> Result<(Vec<Finding>, usize)> {
    let mut paths = Vec::new();
    list(root, root, &mut paths)?;
    paths.sort();
    let mut findings = Vec::new();
    let mut sources = Vec::new();
    for path in &paths {
        let bytes = fs::read(root.join(path))
            .with_context(|| format!("reading {}", root.join(path).display()))?;
        findings.extend(text::check(path, &bytes));
        if path.extension().is_some_and(|extension| extension == "rs") {
            let code =
                String::from_utf8(bytes).with_context(|| format!("reading {}", path.display()))?;
            let source = mentions::Source::read(path, &code)
                .with_context(|| format!("reading {}", path.display()))?;
            sources.push(source);
        }
    }
    mentions::spread_tests(&mut sources);
    for source in &sources {
        findings.extend(rooms::check(source));
        findings.extend(words::check(source));
    }
    findings.sort();
    findings.dedup();
    Ok((findings, paths.len()))
}

/// All files below `folder` that can be committed, relative to `root`.
fn list(root: &Path, folder: &Path, paths: &mut Vec<PathBuf>) -> Result<()> {
    let read = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).with_context(read)? {
        let entry = entry.with_context(read)?;
        let path = entry.path();
        let kind = entry.file_type().with_context(read)?;
        let relative = path.strip_prefix(root).unwrap_or(&path);
        if kind.is_dir() {
            // `target` is in `.gitignore`, `.git` is git's.
            if relative != "target" && relative != ".git" {
                list(root, &path, paths)?;
            }
        } else if kind.is_file() && relative != ".git" {
            paths.push(relative.to_path_buf());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
