//! Random patterns and texts, the same ones for the same seed.

/// A small generator of numbers (xorshift64*).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Below `end`.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(super) fn one<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.below(of.len())]
    }

    /// A text of a few pieces out of what patterns are made of.
    pub(super) fn text(&mut self) -> String {
        (0..self.below(9)).map(|_| self.one(PIECES)).collect()
    }

    /// A pattern; `plain`: without what needs the backtracking engine.
    pub(super) fn pattern(&mut self, plain: bool) -> String {
        let mut pattern = Pattern {
            random: self,
            plain,
            groups: 0,
            closed: Vec::new(),
        };
        let mut out = String::new();
        if pattern.random.once_in(8) {
            out.push_str(
                pattern
                    .random
                    .one(&["(?i)", "(?s)", "(?m)", "(?a)", "(?x)", "(?im)"]),
            );
        }
        out + &pattern.alternatives(3)
    }
}

const PIECES: &[&str] = &[
    "a", "b", "ab", "A", "B", "1", "0", "_", " ", "-", ".", ":", "\"", "'", "é", "É", "ß", "ſ",
    "s", "S", "K", "k", "\u{212a}", "i", "I", "ı", "İ", "µ", "μ", "²", "½", "٣", "ⅷ", "中",
    "\u{301}", "\u{1c}", "\u{1f}", "\u{85}", "\u{a0}", "\t", "\r", "\n", "\0", "😀", "‿",
    "\u{200d}", "Σ", "ς", "aa", "abab", "from", " from ",
];

struct Pattern<'r> {
    random: &'r mut Random,
    plain: bool,
    groups: usize,
    closed: Vec<usize>,
}

impl Pattern<'_> {
    fn alternatives(&mut self, depth: usize) -> String {
        let mut out = self.sequence(depth);
        while self.random.once_in(3) {
            out.push('|');
            if !self.random.once_in(5) {
                out += &self.sequence(depth);
            }
        }
        out
    }

    fn sequence(&mut self, depth: usize) -> String {
        (0..=self.random.below(3))
            .map(|_| self.counted(depth))
            .collect()
    }

    fn counted(&mut self, depth: usize) -> String {
        let item = self.item(depth);
        if self.random.below(5) < 3 {
            return item;
        }
        let count = self.random.one(&[
            "*", "+", "?", "{2}", "{,2}", "{1,}", "{0,1}", "{1,3}", "{0}", "{", "{a}", "{,", "{}",
        ]);
        let greed = if self.random.once_in(3) { "?" } else { "" };
        let possessive = !self.plain && self.random.once_in(12);
        format!("{item}{count}{}", if possessive { "+" } else { greed })
    }

    fn item(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.below(5) < 3 {
            return self.single();
        }
        let kind = self.random.below(if self.plain { 8 } else { 20 });
        match kind {
            0..3 => {
                self.groups += 1;
                let number = self.groups;
                let inner = self.alternatives(depth - 1);
                self.closed.push(number);
                if self.random.once_in(2) {
                    format!("(?P<n{number}>{inner})")
                } else {
                    format!("({inner})")
                }
            }
            3..7 => format!("(?:{})", self.alternatives(depth - 1)),
            7 => {
                let flags = self
                    .random
                    .one(&["i", "s", "m", "a", "u", "i-s", "-i", "x", "as"]);
                format!("(?{flags}:{})", self.alternatives(depth - 1))
            }
            8..11 => format!("(?={})", self.alternatives(depth - 1)),
            11..14 => format!("(?!{})", self.alternatives(depth - 1)),
            14 => format!("(?<={})", self.single()),
            15 => format!("(?<!{})", self.single()),
            16 => format!("(?>{})", self.alternatives(depth - 1)),
            17..19 if !self.closed.is_empty() => {
                let group = self.closed[self.random.below(self.closed.len())];
                format!("(?({group}){}|{})", self.sequence(1), self.sequence(1))
            }
            _ if !self.closed.is_empty() => {
                let group = self.closed[self.random.below(self.closed.len())];
                format!("(?:\\{group})")
            }
            _ => self.single(),
        }
    }

    fn single(&mut self) -> String {
        match self.random.below(12) {
            0 => self
                .random
                .one(&["^", "$", r"\b", r"\B", r"\A", r"\Z", "(?#note)"])
                .into(),
            1 | 2 => self
                .random
                .one(&[".", r"\d", r"\D", r"\s", r"\S", r"\w", r"\W"])
                .into(),
            3 | 4 => {
                let not = if self.random.once_in(3) { "^" } else { "" };
                let items = (0..=self.random.below(3)).map(|_| {
                    self.random.one(&[
                        "a", "b-e", "A-Z", "0-9", r"\w", r"\s", r"\d", r"\W", r"\S", "é-ü", "[",
                        "^", "-", r"\]", r"\x41", "&&", "~", "k", "ı", "Σ", r"\b", r"\n", "\"",
                    ])
                });
                let items: String = items.collect();
                format!("[{not}{items}]")
            }
            5 => self
                .random
                .one(&[
                    r"\.", r"\-", r"\<", r"\>", r"\/", r"\@", "\\\"", r"\n", r"\t", r"\x61",
                    r"\u00e9", r"\141", r"\0", r"\{", r"\ ", "#", "&", "~", "<", "}", "]", r"\é",
                ])
                .into(),
            _ => self.random.one(PIECES).chars().map(escaped).collect(),
        }
    }
}

/// So that a piece means itself.
fn escaped(char: char) -> String {
    match char {
        '.' => r"\.".into(),
        char => char.into(),
    }
}
