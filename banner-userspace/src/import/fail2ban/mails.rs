//! Actions that send mail → targets of `notify`, and which jail tells which.

use super::yaml;

/// What a jail's action mails, to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mail {
    /// Its recipients; may be none that can be told.
    to: Vec<String>,
    from: Option<String>,
    /// A mail server, and its port; none: sendmail.
    server: Option<(String, Option<String>)>,
    whois: bool,
    /// Addresses that are none.
    pub(super) odd: Vec<String>,
}

impl Mail {
    /// What an action of this name mails, if it does; `option` has its options.
    pub(super) fn of(name: &str, option: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let is_mail = name == "mail" || name.starts_with("mail-");
        let smtp = name == "smtp" || name == "smtp.py";
        if !is_mail && !smtp && !name.starts_with("sendmail") {
            return None;
        }
        let given = |name: &str| {
            let value = option(name)?.trim().to_owned();
            Some(value).filter(|value| !value.is_empty())
        };
        if smtp && given("user").is_some() {
            return None;
        }
        let dest = given("dest").unwrap_or_else(|| "root".to_owned());
        let dest = dest.split([',', ' ', ';']).filter(|part| !part.is_empty());
        let (to, odd) = dest.map(str::to_owned).partition(|text| is_address(text));
        let server = smtp.then(|| {
            let host = given("host").unwrap_or_else(|| "localhost".to_owned());
            match host.rsplit_once(':') {
                Some((host, port)) if port.parse::<u16>().is_ok() && !host.contains(':') => {
                    (host.to_owned(), Some(port.to_owned()))
                }
                _ => (host, None),
            }
        });
        Some(Self {
            to,
            odd,
            // `fail2ban` and `root@<fq-hostname>` are what its own files say.
            from: given("sender")
                .filter(|sender| sender != "fail2ban" && sender != "root" && is_address(sender)),
            server,
            whois: name.contains("whois"),
        })
    }

    /// The target's keys but for its recipients.
    fn way(&self) -> String {
        let mut keys = String::new();
        if let Some(from) = &self.from {
            keys.extend([", from: ", &yaml::scalar(from)]);
        }
        if self.whois {
            keys.push_str(", whois: true");
        }
        if let Some((server, port)) = &self.server {
            keys.extend([", smtp: { server: ", &yaml::scalar(server)]);
            let port = port.as_deref().unwrap_or("25");
            keys.extend([", port: ", port, ", tls: none }"]);
        }
        keys
    }
}

/// What a mail program and banner take for an address.
fn is_address(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let (local, host) = match text.rsplit_once('@') {
        Some((local, host)) => (local, Some(host)),
        None => (text, None),
    };
    let is_part = |part: &str| {
        let dots = part.starts_with('.') || part.ends_with('.') || part.contains("..");
        !part.is_empty() && part.len() <= 64 && !dots && part.bytes().all(allowed)
    };
    let is_host = |host: &str| {
        let name = |b: u8| b.is_ascii_alphanumeric() || b"-.".contains(&b);
        let dots = host.starts_with('.') || host.ends_with('.') || host.contains("..");
        !host.is_empty() && !dots && host.bytes().all(name)
    };
    is_part(local) && !local.starts_with('-') && host.is_none_or(is_host)
}

/// What all jails tell.
#[derive(Debug, Default)]
pub(super) struct Targets {
    /// Name, keys but for the recipients, recipients.
    all: Vec<(String, String, Vec<String>)>,
}

/// The targets of one jail, by number, each with its recipients.
pub(super) type Routes = Vec<(usize, Vec<String>)>;

impl Targets {
    /// Adds those that a jail tells by these mails.
    pub(super) fn routes(&mut self, mails: &[Mail]) -> Routes {
        let mut routes = Routes::new();
        for mail in mails {
            self.route(mail, &mut routes);
        }
        routes
    }

    fn route(&mut self, mail: &Mail, routes: &mut Routes) {
        if mail.to.is_empty() {
            return;
        }
        let way = mail.way();
        let known = self.all.iter().position(|(_, other, _)| *other == way);
        let target = known.unwrap_or_else(|| {
            let name = match self.all.len() {
                0 => "mail".to_owned(),
                more => format!("mail-{}", more + 1),
            };
            self.all.push((name, way, mail.to.clone()));
            self.all.len() - 1
        });
        match routes.iter_mut().find(|(other, _)| *other == target) {
            Some((_, to)) => {
                let more = mail.to.iter().filter(|address| !to.contains(address));
                let more: Vec<_> = more.cloned().collect();
                to.extend(more);
            }
            None => routes.push((target, mail.to.clone())),
        }
    }

    /// The targets as they are written, name and value.
    pub(super) fn written(&self) -> Vec<(String, String)> {
        let all = self.all.iter();
        all.map(|(name, way, to)| {
            let to = yaml::list(to);
            (name.clone(), format!("{{ mail: {{ to: {to}{way} }} }}"))
        })
        .collect()
    }

    /// What a jail says of its targets; none: what holds where nothing is said, all of them.
    pub(super) fn of_jail(&self, routes: &Routes) -> Option<String> {
        let all = (0..self.all.len()).map(|n| (n, self.all[n].2.clone()));
        if all.eq(routes.iter().cloned()) {
            return None;
        }
        let items = routes.iter().map(|(target, to)| {
            let (name, _, usual) = &self.all[*target];
            if to == usual {
                name.clone()
            } else {
                format!("{{ target: {name}, to: {} }}", yaml::list(to))
            }
        });
        Some(format!("[{}]", items.collect::<Vec<_>>().join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(name: &str, options: &[(&str, &str)]) -> Option<Mail> {
        Mail::of(name, |option| {
            let (_, value) = options.iter().find(|(name, _)| *name == option)?;
            Some((*value).to_owned())
        })
    }

    #[test]
    fn jails_with_other_recipients_say_so() {
        let mails = [
            mail(
                "sendmail-whois-lines",
                &[("dest", "root@localhost"), ("sender", "fail2ban")],
            ),
            mail(
                "sendmail-whois",
                &[("dest", "a@example.org, b@example.org")],
            ),
            mail(
                "smtp",
                &[
                    ("host", "mx.example.org:2525"),
                    ("sender", "ban@example.org"),
                ],
            ),
            mail("mail", &[("dest", "-oQ/tmp@x root")]),
        ];
        let mut targets = Targets::default();
        let mut jails: Vec<Routes> = Vec::new();
        for mail in &mails {
            let mut routes = Routes::new();
            targets.route(mail.as_ref().unwrap(), &mut routes);
            jails.push(routes);
        }
        assert_eq!(mails[3].as_ref().unwrap().odd, ["-oQ/tmp@x"]);
        assert_eq!(
            targets.written(),
            [
                ("mail", "{ mail: { to: ['root@localhost'], whois: true } }"),
                (
                    "mail-2",
                    "{ mail: { to: [root], from: 'ban@example.org', \
                     smtp: { server: mx.example.org, port: 2525, tls: none } } }"
                ),
                ("mail-3", "{ mail: { to: [root] } }"),
            ]
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
        );
        let said: Vec<_> = jails
            .iter()
            .map(|routes| targets.of_jail(routes).unwrap())
            .collect();
        assert_eq!(
            said,
            [
                "[mail]",
                "[{ target: mail, to: ['a@example.org', 'b@example.org'] }]",
                "[mail-2]",
                "[mail-3]",
            ]
        );
        assert_eq!(targets.of_jail(&Routes::new()).as_deref(), Some("[]"));
    }

    #[test]
    fn one_target_of_all_jails_needs_no_words() {
        let mut targets = Targets::default();
        let mut routes = Routes::new();
        let mail = mail("sendmail", &[("dest", "x")]).unwrap();
        targets.route(&mail, &mut routes);
        targets.route(&mail, &mut routes);
        assert_eq!(targets.of_jail(&routes), None);
        assert_eq!(Targets::default().of_jail(&Routes::new()), None);
    }

    #[test]
    fn what_is_no_mail_is_none() {
        for (name, options) in [
            ("mailer", &[][..]),
            ("abuseipdb", &[]),
            ("smtp", &[("user", "me")]),
        ] {
            assert_eq!(mail(name, options), None, "{name}");
        }
    }
}
