//! Who is told, and how.

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use super::{
    digest::DigestRule,
    event::{Event, Kind},
    template::Template,
};

/// Somebody who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// How.
    pub way: Way,
    /// Of what.
    pub events: Vec<Kind>,
    /// When many are told of at once.
    pub digest: DigestRule,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// For how long a message is tried again.
    pub retry_for: Duration,
}

/// A way to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// By mail.
    Mail(Box<Mail>),
    /// By an HTTP request.
    Webhook(Webhook),
    /// By a program: its path and its arguments.
    Command(Vec<String>),
}

impl Way {
    /// `mail`, `webhook` or `command`.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Webhook(_) => "webhook",
            Self::Command(_) => "command",
        }
    }
}

/// Mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// To whom, where a jail does not say otherwise; at least one.
    pub to: Recipients,
    /// From whom; `None`: `banner@` and the name of the machine.
    pub from: Option<Address>,
    /// Without fields of several lines.
    pub subject: Template,
    /// The text.
    pub body: Template,
    /// Whether `whois` is asked about who is banned, which tells a third party.
    pub whois: bool,
    /// Who carries it.
    pub carrier: Carrier,
}

/// To whom mail goes.
pub type Recipients = Arc<[Address]>;

/// Who carries mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carrier {
    /// This program, which takes sendmail's options.
    Sendmail(PathBuf),
    /// A mail server.
    Smtp(Smtp),
}

/// A mail server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How the connection is kept secret.
    pub tls: Tls,
    /// A file of certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
    /// Name and password.
    pub login: Option<(String, Secret)>,
}

/// How a connection to a mail server is kept secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// After STARTTLS (RFC 3207); without it there is no mail.
    Starttls,
    /// From the beginning (RFC 8314).
    Implicit,
    /// Not at all.
    None,
}

impl Tls {
    /// The port where servers speak it.
    pub const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// An HTTP endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// `http://…` or `https://…`.
    pub url: Url,
    /// The key of the signature.
    pub secret: Option<Secret>,
    /// A file of certificates to trust instead of the system's.
    pub ca: Option<PathBuf>,
}

/// The parts of a URL that a request is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `https`.
    pub tls: bool,
    /// Name or address, without brackets.
    pub host: String,
    /// Port.
    pub port: u16,
    /// `Host:`.
    pub authority: String,
    /// Path and query.
    pub path: String,
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let uri: hyper::Uri = text.parse().map_err(|_| "this is no URL")?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err("it must begin with https:// or http://"),
        };
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it must not hold a password: sign requests with secret_file instead");
        }
        let host = authority.host();
        let host = host.strip_prefix('[').unwrap_or(host);
        let host = host.strip_suffix(']').unwrap_or(host);
        if host.is_empty() {
            return Err("it names no host");
        }
        Ok(Self {
            tls,
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            authority: authority.to_string(),
            path: uri
                .path_and_query()
                .map_or_else(|| "/".to_owned(), ToString::to_string),
        })
    }
}

/// What nobody is to read.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(
    /// Itself.
    pub String,
);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// A mail address that can stand in headers, SMTP commands and argument lists as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address(String);

impl Address {
    /// `name@host`, or the name of a user of this machine. A subset of RFC 5321's: no quotes, no
    /// comments, ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
        let (local, host) = match text.rsplit_once('@') {
            Some((local, host)) => (local, Some(host)),
            None => (text, None),
        };
        let is_local = (1..=64).contains(&local.len())
            && local.bytes().all(allowed)
            // Would be taken for an option, or for something else than an address.
            && !local.starts_with(['-', '|', '/', '.']);
        let is_host = |host: &str| {
            let inside = host
                .strip_prefix('[')
                .and_then(|rest| rest.strip_suffix(']'));
            let literal = |b: u8| b.is_ascii_alphanumeric() || b".:".contains(&b);
            let name = |b: u8| b.is_ascii_alphanumeric() || b".-".contains(&b);
            match inside {
                Some(inside) => !inside.is_empty() && inside.bytes().all(literal),
                None => {
                    (1..=255).contains(&host.len())
                        && host.bytes().all(name)
                        && !host.starts_with(['-', '.'])
                }
            }
        };
        (is_local && host.is_none_or(is_host)).then(|| Self(text.to_owned()))
    }

    /// For a machine whose name cannot stand in an address.
    pub(super) fn nobody() -> Self {
        Self("banner@localhost".to_owned())
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// That a jail tells a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The target, by its place in the list.
    pub target: usize,
    /// To whom mail goes instead of [`Mail::to`].
    pub to: Option<Recipients>,
}

/// What goes to a target.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) event: Arc<Event>,
    pub(super) to: Option<Recipients>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_are_those_that_need_no_escape() {
        for good in [
            "root",
            "root@example.org",
            "a.b+c@xn--bcher-kva.example",
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
        ] {
            assert!(Address::parse(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "@example.org",
            "-oQ/tmp@example.org",
            "|sh",
            "/etc/passwd",
            "a@-x",
            "a b@example.org",
            "a@example.org\r\nBcc: x",
            "\"a\"@example.org",
            "<a@example.org>",
            "a,b@example.org",
            "ü@example.org",
            "a@b@c",
            "a@",
        ] {
            assert!(Address::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn urls_fall_into_parts() {
        let url = Url::parse("https://hooks.example.org/a/b?c=d").unwrap();
        assert_eq!(
            (url.tls, &*url.host, url.port, &*url.authority, &*url.path),
            (
                true,
                "hooks.example.org",
                443,
                "hooks.example.org",
                "/a/b?c=d"
            )
        );
        let url = Url::parse("http://[2001:db8::1]:8080").unwrap();
        assert_eq!(
            (url.tls, &*url.host, url.port, &*url.authority, &*url.path),
            (false, "2001:db8::1", 8080, "[2001:db8::1]:8080", "/")
        );
        for bad in [
            "",
            "/a",
            "ftp://x/",
            "https:///x",
            "https://a:b@x/",
            "http://a b/",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_not_shown() {
        assert_eq!(
            format!("{:?}", Some(Secret("hunter2".into()))),
            "Some(Secret)"
        );
    }

    proptest! {
        #[test]
        fn an_address_never_breaks_what_it_stands_in(text in ".*|[!-~]{1,20}@[!-~]{1,20}") {
            if let Some(address) = Address::parse(&text) {
                let wrong = |c: char| !c.is_ascii_graphic() || "<>,;\"\\()".contains(c);
                prop_assert!(!address.as_str().contains(wrong), "{address:?}");
                prop_assert!(!address.as_str().starts_with('-'));
            }
        }
    }
}
