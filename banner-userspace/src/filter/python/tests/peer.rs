//! A real Python, asked over pipes what it makes of a pattern.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

/// Set to anything, this skips what needs a Python: for machines that have none.
const SKIP: &str = "BANNER_TEST_WITHOUT_PYTHON";

/// Answers a line of JSON with one. Places are told in bytes.
const PROGRAM: &str = r#"
import json, re, signal, sys, unicodedata, warnings
warnings.simplefilter("ignore")
KNOWN = [chr(c) for c in range(0x20000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
class Slow(Exception): pass
def slow(*_): raise Slow()
signal.signal(signal.SIGALRM, slow)
def span(text, match, group):
    start, end = match.span(group)
    if start < 0: return None
    return [len(text[:start].encode()), len(text[:end].encode())]
def answer(ask):
    if "sample" in ask:
        return [[ord(c) for c in KNOWN if re.match(ask["sample"], c)]]
    try:
        found = re.compile(ask["pattern"], re.M if ask["multiline"] else 0)
    except (re.error, OverflowError, ValueError, RecursionError) as why:
        return {"error": str(why)}
    out = []
    for text in ask["texts"]:
        signal.setitimer(signal.ITIMER_REAL, 1)
        try:
            match = found.search(text)
            # Where flags of a group say what \W is, CPython looks for the first character of it
            # with the flags of the whole, and does not find what it would match. Not compared.
            if not match and re.search(r"\(\?[a-z]*[au][a-z]*(-[a-z]+)?:", ask["pattern"]) and any(
                    found.match(text, n) for n in range(len(text) + 1)):
                out.append("slow"); continue
            out.append(match and [span(text, match, n) for n in range(found.groups + 1)])
        except (Slow, MemoryError): out.append("slow")
        finally: signal.setitimer(signal.ITIMER_REAL, 0)
    names = {number: name for name, number in found.groupindex.items()}
    return {"found": out, "names": [names.get(n) for n in range(1, found.groups + 1)]}
print(sys.version_info >= (3, 11), flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
"#;

/// The groups of a match, the whole first, each with its place in bytes.
pub(super) type Spans = Vec<Option<(usize, usize)>>;

/// What came of a search.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    /// It took too long.
    Slow,
    /// There is no match.
    Nothing,
    /// A match.
    Match(Spans),
}

/// What Python makes of a pattern.
#[derive(Debug)]
pub(super) enum Answer {
    /// It does not take it.
    Refused(String),
    /// What it finds in each text, and the names of the groups.
    Found(Vec<Outcome>, Vec<Option<String>>),
}

/// A running Python.
pub(super) struct Python {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Python {
    /// Starts one; none: the environment says to do without.
    pub(super) fn start() -> Option<Self> {
        if std::env::var_os(SKIP).is_some() {
            eprintln!("SKIPPED: {SKIP} is set, so nothing was compared with Python");
            return None;
        }
        let child = Command::new("python3")
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut child = child.unwrap_or_else(|why| {
            panic!("python3 (3.11 or later) does not start: {why}; set {SKIP}=1 to do without it")
        });
        let to = child.stdin.take().unwrap();
        let mut from = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        from.read_line(&mut line).unwrap();
        assert_eq!(
            line.trim(),
            "True",
            "python3 is older than 3.11; set {SKIP}=1 to do without it"
        );
        Some(Self { child, to, from })
    }

    fn say(&mut self, ask: &Value) -> Value {
        writeln!(self.to, "{ask}").unwrap();
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why} in {line:?} for {ask}"))
    }

    /// Searches all these texts.
    pub(super) fn search(&mut self, pattern: &str, multiline: bool, texts: &[String]) -> Answer {
        let ask = json!({"pattern": pattern, "multiline": multiline, "texts": texts});
        let said = self.say(&ask);
        if let Some(why) = said.get("error") {
            return Answer::Refused(why.as_str().unwrap().into());
        }
        let found = said["found"].as_array().unwrap().iter();
        let found = found.map(|found| match found {
            Value::String(_) => Outcome::Slow,
            Value::Null => Outcome::Nothing,
            found => Outcome::Match(found.as_array().unwrap().iter().map(place).collect()),
        });
        let names = said["names"].as_array().unwrap().iter();
        let names = names.map(|name| name.as_str().map(String::from)).collect();
        Answer::Found(found.collect(), names)
    }

    /// All characters that match, out of those that its tables know.
    pub(super) fn characters(&mut self, pattern: &str) -> Vec<char> {
        let said = self.say(&json!({"sample": pattern}));
        let codes = said[0].as_array().unwrap().iter();
        codes
            .map(|code| char::from_u32(u32::try_from(code.as_u64().unwrap()).unwrap()).unwrap())
            .collect()
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        // It may have ended by itself, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn place(found: &Value) -> Option<(usize, usize)> {
    let ends = found.as_array()?;
    let end = |n: usize| usize::try_from(ends[n].as_u64().unwrap()).unwrap();
    Some((end(0), end(1)))
}
