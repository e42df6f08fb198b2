//! The patterns of fail2ban's own filters.

use std::{collections::BTreeMap, process::Command};

use super::differential::Compiled;
use crate::filter::python::{Engine, Options, translate};

/// The root of an unpacked fail2ban package: `etc/fail2ban` and Python's modules are below it.
const FAIL2BAN: &str = "BANNER_FAIL2BAN";

/// Has fail2ban's own reader read its filters, in all their modes, and tell the patterns.
const PROGRAM: &str = r#"
import glob, json, os, re, sys
root = sys.argv[1]
sys.path.insert(0, root + "/usr/lib/python3/dist-packages")
from fail2ban.client.filterreader import FilterReader
conf = root + "/etc/fail2ban"
os.chdir(conf)
out = []
for path in sorted(glob.glob(conf + "/filter.d/**/*.conf", recursive=True)):
    name = os.path.relpath(path, conf + "/filter.d")[:-5]
    if name.endswith("common"): continue
    modes = set(re.findall(r"^_?\w*?(?:mode|failre|cmnfailre|mdre|prefre|re)-(\w+)\s*=", open(path).read(), re.M))
    for mode in sorted(modes | {None}, key=str):
        reader = FilterReader(name, name, {} if mode is None else {"mode": mode}, basedir=conf)
        try:
            reader.read(); reader.getOptions({}, all=True); said = reader.convert()
        except Exception: continue
        lines = any(line[2] == "maxlines" and int(line[3]) > 1 for line in said)
        for line in said:
            kind = line[2]
            if kind in ("addfailregex", "addignoreregex", "prefregex"):
                for text in (line[3] if isinstance(line[3], list) else [line[3]]):
                    out.append([name, kind, text, lines and kind == "addfailregex"])
print(json.dumps(out))
"#;

#[test]
#[ignore = "needs fail2ban: BANNER_FAIL2BAN=<unpacked package> cargo test -p banner-userspace --lib python::tests::stock -- --ignored --nocapture"]
fn stock_patterns_translate() {
    let root = std::env::var(FAIL2BAN).unwrap_or_else(|_| panic!("{FAIL2BAN} is not set"));
    let said = Command::new("python3")
        .args(["-c", PROGRAM, &root])
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    let patterns: Vec<(String, String, String, bool)> = serde_json::from_str(&text)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(&said.stderr)));
    assert!(patterns.len() > 200, "only {} patterns", patterns.len());
    let mut backtracking: BTreeMap<String, (String, String)> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut longest = (0, String::new());
    let mut filters: Vec<&str> = patterns.iter().map(|(name, ..)| name.as_str()).collect();
    filters.dedup();
    for (name, kind, pattern, multiline) in &patterns {
        let options = Options {
            multiline: *multiline,
            one_line: !multiline,
            named_only: true,
            ..Options::default()
        };
        match translate(pattern, options).map_err(|why| why.to_string()) {
            Err(why) => wrong.push(format!("{name} {kind}: {why}\n{pattern}")),
            Ok(translated) => {
                if let Err(why) = Compiled::new(&translated) {
                    wrong.push(format!("{name} {kind}: {why}\n{pattern}"));
                }
                longest = longest.max((translated.pattern.len(), format!("{name} {pattern}")));
                if let Engine::Backtracking { why } = translated.engine {
                    backtracking.insert(pattern.clone(), (name.clone(), why));
                }
            }
        }
    }
    for (pattern, (name, why)) in &backtracking {
        println!("{name}: {why}: {pattern}");
    }
    println!(
        "{} filters, {} patterns, {} of them different and backtracking; the longest is {} long: {}",
        filters.len(),
        patterns.len(),
        backtracking.len(),
        longest.0,
        longest.1
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
