//! Filters that nobody would write, read by both.

use std::fs;

use super::{
    Unpacked,
    filters::{Options, compare},
};

/// Pieces of files; some are whole lines, so that something comes of them.
const PIECES: [&str; 54] = [
    "[Definition]\n",
    "[Init]\n",
    "[DEFAULT]\n",
    "[other]\n",
    "[Init?family=inet6]\n",
    "failregex = ",
    "ignoreregex = ",
    "prefregex = ",
    "datepattern = ",
    "logtype = ",
    "_a = ",
    "b: ",
    "c=",
    "d = ",
    "A-b = ",
    "known/b = ",
    "journalmatch = _X=1 + Y=2\n",
    "maxlines = 3\n",
    "usedns = no\n",
    "%(b)s",
    "%(c)s",
    "%(d)s",
    "%(_a)s",
    "%(A-B)s",
    "%(other/b)s",
    "%(other/c)s",
    "%(known/b)s",
    "%(known/failregex)s",
    "%(default/c)s",
    "%(__name__)s",
    "%%",
    "<b>",
    "<c>",
    "<d>",
    "<_a>",
    "<known/b>",
    "<other/c>",
    "<default/d>",
    "<x-<c>>",
    "<HOST>",
    "<logtype>",
    "x",
    "^y$",
    " ; no",
    ";yes",
    "# hash",
    "\n",
    "\n",
    "\n",
    "\n  ",
    "\n\t",
    "\n\n  ",
    "\n; no\n",
    " = ",
];

/// A generator of numbers whose seed can be told (Marsaglia's xorshift64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("it is small") % bound
    }

    fn text(&mut self, pieces: usize) -> String {
        let count = self.below(pieces);
        (0..count)
            .map(|_| PIECES[self.below(PIECES.len())])
            .collect()
    }

    /// A value that refers, mostly, to names that come later than its own: others are loops.
    fn value(&mut self, at: usize) -> String {
        let mut value = String::new();
        for _ in 0..self.below(4) {
            let piece = PIECES[19 + self.below(PIECES.len() - 20)];
            let refers = piece.starts_with(['%', '<']) && piece != "%%";
            if refers && self.below(10) > 0 {
                let Some(later) = NAMES.get(at + 1..).filter(|later| !later.is_empty()) else {
                    continue;
                };
                let name = later[self.below(later.len())];
                let space = ["", "", "", "other/", "default/", "known/"][self.below(6)];
                if piece.starts_with('%') {
                    value.extend(["%(", space, name, ")s"]);
                } else {
                    value.extend(["<", space, name, ">"]);
                }
            } else {
                value.push_str(piece);
            }
        }
        value
    }

    /// A file that is mostly well formed; the first one gives every name a value.
    fn file(&mut self, first: bool) -> String {
        let mut text = String::new();
        if first {
            text.push_str("[DEFAULT]\n");
            for name in &NAMES[3..] {
                text.extend([name, " = default-", name, "\n"]);
            }
        }
        for section in ["[DEFAULT]\n", "[Definition]\n", "[other]\n", "[Init]\n"] {
            let is_second = first && section.starts_with("[DEF");
            if is_second || self.below(4) == 0 && !(first && section.starts_with("[Defin")) {
                continue;
            }
            text.push_str(section);
            for (at, option) in NAMES.iter().enumerate() {
                if self.below(3) == 0 {
                    text.push_str(option);
                    text.push_str([" = ", "=", ": "][self.below(3)]);
                    text.push_str(&self.value(at));
                    text.push('\n');
                }
            }
            if self.below(20) == 0 {
                text.push_str(&self.text(4));
                text.push('\n');
            }
        }
        text
    }
}

/// Options in the order in which they may refer to each other.
const NAMES: [&str; 9] = [
    "prefregex",
    "failregex",
    "ignoreregex",
    "x-c",
    "b",
    "a-b",
    "c",
    "_a",
    "d",
];

#[test]
#[ignore = "compares with fail2ban: BANNER_FAIL2BAN names where it is unpacked"]
fn random_filters_are_what_fail2ban_makes_of_them() {
    let fail2ban = Unpacked::find();
    let number = |name: &str, default: u64| {
        let given = std::env::var(name).ok();
        given.map_or(default, |text| text.parse().expect("a number"))
    };
    let seed = number("BANNER_SEED", 20_261_121);
    let count = number("BANNER_CASES", 1000);
    println!("BANNER_SEED={seed} BANNER_CASES={count}");
    let mut dice = Dice(seed | 1);
    let folder = tempfile::tempdir().unwrap();
    let filters = folder.path().join("filter.d");
    fs::create_dir_all(&filters).unwrap();
    let mut given: Vec<(String, Options)> = Vec::new();
    for case in 0..count {
        let name = format!("f{case}");
        let mut text = dice.file(true);
        if dice.below(3) == 0 {
            let includes = format!("[INCLUDES]\nbefore = {name}-b.conf\nafter = {name}-a.conf\n");
            text.push_str(&includes);
            fs::write(filters.join(format!("{name}-b.conf")), dice.file(false)).unwrap();
            fs::write(filters.join(format!("{name}-a.conf")), dice.file(false)).unwrap();
        }
        fs::write(filters.join(format!("{name}.conf")), text).unwrap();
        if dice.below(2) == 0 {
            fs::write(filters.join(format!("{name}.local")), dice.file(false)).unwrap();
        }
        let mut options = Vec::new();
        for option in ["b", "d", "failregex", "A-b"] {
            if dice.below(5) == 0 {
                options.push((option.to_owned(), dice.value(4)));
            }
        }
        given.push((name, options));
    }
    let equal = compare(&fail2ban, folder.path(), &given);
    println!(
        "{equal} of {} are filters, and equal; both refuse the others",
        count * 3
    );
    assert!(equal > 0);
}
