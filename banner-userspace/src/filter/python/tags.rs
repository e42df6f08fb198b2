//! fail2ban's tags in a pattern: `<HOST>` and its kind become groups.

/// A pattern without tags, and where each of its characters came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expanded {
    /// The pattern.
    pub(super) text: Vec<char>,
    /// For each character its place in the text with tags, and one more for the end.
    pub(super) from: Vec<usize>,
}

/// An IPv4 address, as far as its shape goes; it may be written as mapped into IPv6.
const IP4: &str = r"(?:::fffff?f?:)?(?P<ip4>\d{1,3}(?:\.\d{1,3}){3})";
/// An IPv6 address, as far as its shape goes.
const IP6: &str = r"(?P<ip6>(?:[0-9A-Fa-f]{1,4}:{1,2}|:{2}){1,7}(?:[0-9A-Fa-f]{1,4}|:))";
/// A name.
const DNS: &str = r"(?P<dns>[\w^.-]*\w)";
/// A prefix length.
const CIDR: &str = r"(?P<cidr>\d+)";

/// Replaces the tags of `pattern`; `use_dns`: a host may be a name. Tags that are not known stay,
/// and so do closing ones that nothing opened.
pub(super) fn expand(pattern: &str, use_dns: bool) -> Expanded {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = Expanded::default();
    let mut open: Vec<String> = Vec::new();
    let mut skips = 0;
    let mut at = 0;
    while at < chars.len() {
        let Some(end) = tag(&chars, at) else {
            out.push(chars[at], at);
            at += 1;
            continue;
        };
        let name: String = chars[at + 1..end - 1].iter().collect();
        match meaning(&name, use_dns, &mut open, &mut skips) {
            Some(text) => text.chars().for_each(|char| out.push(char, at)),
            None => (at..end).for_each(|at| out.push(chars[at], at)),
        }
        at = end;
    }
    out.from.push(chars.len());
    out
}

impl Expanded {
    fn push(&mut self, char: char, from: usize) {
        self.text.push(char);
        self.from.push(from);
    }
}

/// The end of the tag that begins here, if one does.
fn tag(chars: &[char], at: usize) -> Option<usize> {
    let mut end = at + 1;
    let is = |end: usize, char| chars.get(end) == Some(&char);
    if !is(at, '<') {
        return None;
    }
    end += usize::from(is(end, '/'));
    let name = end;
    while chars
        .get(end)
        .is_some_and(|&char| is_word(char) || char == '-')
    {
        end += 1;
    }
    if end == name {
        return None;
    }
    end += usize::from(is(end, '/'));
    is(end, '>').then_some(end + 1)
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// What a tag stands for.
fn meaning(name: &str, use_dns: bool, open: &mut Vec<String>, skips: &mut u32) -> Option<String> {
    let address = || format!(r"\[?(?:{IP4}|{IP6})\]?");
    Some(match name {
        "HOST" if use_dns => format!("(?:{}|{DNS})", address()),
        "HOST" | "ADDR" | "F-ADDR/" => address(),
        "IP4" | "F-IP4/" => IP4.into(),
        "IP6" | "F-IP6/" => IP6.into(),
        "DNS" | "F-DNS/" => DNS.into(),
        "CIDR" | "F-CIDR/" => CIDR.into(),
        "SUBNET" | "F-SUBNET/" => format!(r"\[?(?:{IP4}|{IP6})(?:/{CIDR})?\]?"),
        "F-ID/" => r"(?P<fid>\S+)".into(),
        "F-PORT/" => r"(?P<fport>\w+)".into(),
        "SKIPLINES" => {
            let number = *skips;
            *skips += 1;
            format!(r"\n(?P<skiplines{number}>(?:.*\n)*?)")
        }
        _ => return custom(name, open),
    })
}

/// `F-NAME` and `/F-NAME`: a group of that name.
fn custom(name: &str, open: &mut Vec<String>) -> Option<String> {
    let closing = name.starts_with('/');
    let name = name.strip_prefix('/').unwrap_or(name).strip_prefix("F-")?;
    let taken =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"_-".contains(&byte);
    if name.is_empty() || !name.bytes().all(taken) {
        return None;
    }
    if closing {
        return open.iter().any(|open| open == name).then(|| ")".into());
    }
    open.push(name.into());
    Some(match name {
        "ID" => "(?P<fid>".into(),
        "PORT" => "(?P<fport>".into(),
        _ => format!("(?P<{}>", name.to_ascii_lowercase()),
    })
}

/// Flags for the whole pattern that stand at the beginning of a group are for that group:
/// `((?i)a)` becomes `(?i:a)`.
pub(super) fn flags_of_groups(pattern: Expanded) -> Expanded {
    let Expanded { text, from } = pattern;
    let mut out = Expanded::default();
    let mut at = 0;
    while at < text.len() {
        if at > 0 && text[at - 1] == '\\' {
            out.push(text[at], from[at]);
        } else if let Some((flags, end)) = leading_flags(&text[at..]) {
            (at + flags..at + end).for_each(|at| out.push(text[at], from[at]));
            out.push(':', from[at + end]);
            at += end;
        } else {
            out.push(text[at], from[at]);
        }
        at += 1;
    }
    out.from.push(from[text.len()]);
    out
}

/// If a group with leading flags begins here: where the flags begin and where they end.
fn leading_flags(text: &[char]) -> Option<(usize, usize)> {
    let rest = text.strip_prefix(&['('])?;
    let (skipped, rest) = match rest.strip_prefix(&['?', ':']) {
        Some(rest) => (3, rest),
        None => (1, rest),
    };
    let flags = rest.strip_prefix(&['(', '?'])?;
    let count = flags
        .iter()
        .take_while(|char| char.is_ascii_lowercase())
        .count();
    let closed = flags.get(count) == Some(&')');
    (count > 0 && closed).then_some((skipped, skipped + 2 + count))
}
