//! What a Rust file names: every path, where, and whether only in tests.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Spacing, TokenStream, TokenTree};

/// A path that is named, or a lone word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mention {
    /// `a::b::c` by its parts. Paths from `crate`, `self` and `super` start with `crate` and are
    /// complete; each leaf of a `use` tree is a path of its own. A method call starts with `.`.
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    pub(crate) in_test: bool,
    /// Whether an argument list follows.
    pub(crate) called: bool,
}

/// A Rust file of the workspace.
pub(crate) struct Source {
    /// Relative to the workspace.
    pub(crate) file: PathBuf,
    /// The modules that lead to the file, from its crate's root.
    pub(crate) module: Vec<String>,
    pub(crate) mentions: Vec<Mention>,
    /// Modules in other files that this one declares for tests only, as paths from the crate's root.
    test_modules: BTreeSet<Vec<String>>,
}

impl Source {
    /// Reads the file at `path`, relative to the workspace, whose text is `code`.
    pub(crate) fn read(path: &Path, code: &str) -> Result<Self> {
        let tokens: TokenStream = code.parse().map_err(|error| anyhow!("{error}"))?;
        let mut source = Self {
            file: path.to_path_buf(),
            module: module_of(path),
            mentions: Vec::new(),
            test_modules: BTreeSet::new(),
        };
        let module = source.module.clone();
        let in_test = is_test_file(path);
        source.scan(tokens, &module, in_test);
        Ok(source)
    }

    /// The package's folder.
    pub(crate) fn package(&self) -> &str {
        let first = self.file.components().next();
        first
            .and_then(|first| first.as_os_str().to_str())
            .unwrap_or_default()
    }

    fn scan(&mut self, tokens: TokenStream, module: &[String], in_test: bool) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        // From a test attribute to the end of its item, all is test.
        let mut test_item = false;
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let here = in_test || test_item;
            match token {
                TokenTree::Punct(punct) if punct.as_char() == '#' => {
                    if let Some(TokenTree::Group(attribute)) = tokens.get(at + 1)
                        && is_test_attribute(attribute)
                    {
                        test_item = true;
                    }
                    at += 1;
                }
                TokenTree::Punct(punct) if punct.as_char() == ';' => {
                    test_item = false;
                    at += 1;
                }
                TokenTree::Ident(word) if word == "mod" => {
                    at = self.scan_module(&tokens, at, module, here);
                    test_item = false;
                }
                TokenTree::Group(group) => {
                    self.scan(group.stream(), module, here);
                    if group.delimiter() == Delimiter::Brace {
                        test_item = false;
                    }
                    at += 1;
                }
                _ => at = self.scan_path(&tokens, at, module, here),
            }
        }
    }

    /// `mod name { … }` or `mod name;` at `at`; returns where it ends.
    fn scan_module(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        module: &[String],
        in_test: bool,
    ) -> usize {
        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else {
            return at + 1;
        };
        let mut inner = module.to_vec();
        inner.push(name.to_string());
        match tokens.get(at + 2) {
            Some(TokenTree::Group(body)) => {
                self.scan(body.stream(), &inner, in_test);
                return at + 3;
            }
            _ if in_test => {
                self.test_modules.insert(inner);
            }
            _ => {}
        }
        at + 2
    }

    /// A path, a word or anything else at `at`; returns where it ends.
    fn scan_path(
        &mut self,
        tokens: &[TokenTree],
        at: usize,
        module: &[String],
        in_test: bool,
    ) -> usize {
        let is = |at: usize, wanted| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == wanted);
        let Some(TokenTree::Ident(first)) = tokens.get(at) else {
            return at + 1;
        };
        let line = first.span().start().line;
        let mut path = Vec::new();
        if at > 0 && is(at - 1, '.') {
            path.push(".".to_owned());
        }
        path.push(first.to_string());
        let mut end = at + 1;
        while is_path_separator(tokens, end) {
            match tokens.get(end + 2) {
                Some(TokenTree::Ident(word)) => path.push(word.to_string()),
                Some(TokenTree::Group(tree)) if tree.delimiter() == Delimiter::Brace => {
                    self.scan_use_tree(tree.stream(), &path, module, in_test);
                    return end + 3;
                }
                Some(TokenTree::Punct(all)) if all.as_char() == '*' => path.push("*".to_owned()),
                _ => break,
            }
            end += 3;
        }
        let called = matches!(tokens.get(end), Some(TokenTree::Group(arguments))
            if arguments.delimiter() == Delimiter::Parenthesis);
        self.mentions.push(Mention {
            path: complete(path, module),
            line,
            in_test,
            called,
        });
        end
    }

    /// The inside of `prefix::{ … }`.
    fn scan_use_tree(
        &mut self,
        tree: TokenStream,
        prefix: &[String],
        module: &[String],
        in_test: bool,
    ) {
        let mut inner = Self {
            file: PathBuf::new(),
            module: Vec::new(),
            mentions: Vec::new(),
            test_modules: BTreeSet::new(),
        };
        // Without a module: what `self` and `super` lead to depends on the prefix.
        let tokens: Vec<_> = tree.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            at = match token {
                // The new name of what comes before it.
                TokenTree::Ident(word) if word == "as" => at + 2,
                _ => inner.scan_path(&tokens, at, &[], in_test),
            };
        }
        for mention in inner.mentions {
            let mut path = prefix.to_vec();
            // `a::{self}` is `a`.
            path.extend(mention.path.into_iter().filter(|part| part != "self"));
            self.mentions.push(Mention {
                path: complete(path, module),
                ..mention
            });
        }
    }
}

fn is_path_separator(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |token: Option<&TokenTree>| match token {
        Some(TokenTree::Punct(punct)) if punct.as_char() == ':' => Some(punct.spacing()),
        _ => None,
    };
    colon(tokens.get(at)) == Some(Spacing::Joint) && colon(tokens.get(at + 1)).is_some()
}

/// `path` from the crate's root if it starts with `self` or `super` and stands in `module`.
fn complete(path: Vec<String>, module: &[String]) -> Vec<String> {
    let mut base = module.to_vec();
    let mut rest = path.as_slice();
    match rest {
        [first, ..] if first == "self" && !module.is_empty() => rest = &rest[1..],
        [first, _, ..] if first == "super" => {}
        _ => return path,
    }
    while let [first, tail @ ..] = rest
        && first == "super"
    {
        base.pop();
        rest = tail;
    }
    let root = std::iter::once("crate".to_owned());
    root.chain(base).chain(rest.iter().cloned()).collect()
}

/// `#[test]`, `#[tokio::test(…)]`, `#[cfg(test)]` and their like; not `#[cfg(not(test))]`.
fn is_test_attribute(attribute: &Group) -> bool {
    fn says(stream: TokenStream, wanted: &str) -> bool {
        stream.into_iter().any(|token| match token {
            TokenTree::Ident(word) => word == wanted,
            TokenTree::Group(group) => says(group.stream(), wanted),
            _ => false,
        })
    }
    let name = attribute
        .stream()
        .into_iter()
        .filter_map(|token| match token {
            TokenTree::Ident(word) => Some(word.to_string()),
            _ => None,
        });
    let name: Vec<_> = name.collect();
    if name == ["cfg"] {
        return says(attribute.stream(), "test") && !says(attribute.stream(), "not");
    }
    name.last().is_some_and(|last| last == "test")
}

/// The modules that lead to a file: `a/src/b/c.rs` is `[b, c]`, `a/src/b/mod.rs` is `[b]`.
fn module_of(path: &Path) -> Vec<String> {
    let inside: Vec<_> = path
        .with_extension("")
        .components()
        .filter_map(|part| match part {
            Component::Normal(part) => part.to_str().map(str::to_owned),
            _ => None,
        })
        .skip_while(|part| part != "src")
        .skip(1)
        .collect();
    match inside.as_slice() {
        [root] if root == "lib" || root == "main" => Vec::new(),
        [modules @ .., last] if last == "mod" => modules.to_vec(),
        _ => inside,
    }
}

/// Whether everything in a file is test: files of package `tests`, and of `tests`, `benches` and
/// `examples` folders.
fn is_test_file(path: &Path) -> bool {
    path.with_extension("").components().any(|part| {
        ["tests", "benches", "examples"]
            .iter()
            .any(|name| part.as_os_str() == *name)
    })
}

/// Marks files that are declared under `#[cfg(test)]` as test.
pub(crate) fn spread_tests(sources: &mut [Source]) {
    let modules: BTreeSet<_> = sources
        .iter()
        .flat_map(|source| {
            let package = source.package().to_owned();
            let of = move |module: &Vec<String>| (package.clone(), module.clone());
            source.test_modules.iter().map(of)
        })
        .collect();
    for source in sources {
        let package = source.package().to_owned();
        let is_test = (1..=source.module.len())
            .any(|end| modules.contains(&(package.clone(), source.module[..end].to_vec())));
        if is_test {
            for mention in &mut source.mentions {
                mention.in_test = true;
            }
        }
    }
}
