//! The second stage: secrets are read, and names of targets become numbers.

use std::sync::Arc;

use super::raw::{RawMail, RawNotify, RawRoute, RawSecret, RawSmtp, RawWay, RawWebhook};
use super::settings::{
    JAIL_NOTIFY, NOTIFY, PASSWORD, PASSWORD_FILE, SECRET, SECRET_FILE, SMTP, USER, WEBHOOK,
};
use crate::config::files::{Files, reason};
use crate::config::nearest::nearest;
use crate::config::report::Report;
use crate::config::section::{Setting, join};
use crate::config::settings::DEFAULTS;
use crate::config::shape::{Shape, Text};
use crate::config::source::Source;
use crate::config::yaml::Located;
use crate::notify::{Carrier, Mail, Route, Secret, Smtp, Target, Tls, Way, Webhook};

/// The targets; those that are wrong are reported and left out.
pub(crate) fn targets(
    raw: Vec<RawNotify>,
    source: &Source<'_>,
    report: &mut Report,
) -> Vec<Target> {
    let targets = raw.into_iter().filter_map(|raw| {
        let way = match raw.way {
            RawWay::Mail(mail) => {
                let path = join(&raw.path, super::settings::MAIL.name());
                Way::Mail(Box::new(self::mail(*mail, &path, source, report)?))
            }
            RawWay::Webhook(hook) => {
                let path = join(&raw.path, WEBHOOK.name());
                Way::Webhook(webhook(hook, &path, source, report)?)
            }
            RawWay::Command(argv) => Way::Command(argv),
        };
        Some(Target {
            name: raw.name.value,
            way,
            events: raw.events,
            digest: raw.digest,
            timeout: raw.timeout,
            retry_for: raw.retry_for,
        })
    });
    targets.collect()
}

fn mail(raw: RawMail, path: &str, source: &Source<'_>, report: &mut Report) -> Option<Mail> {
    let carrier = match raw.smtp {
        Some(smtp) => Carrier::Smtp(server(smtp, &join(path, SMTP.name()), source, report)?),
        None => Carrier::Sendmail(raw.sendmail.into()),
    };
    Some(Mail {
        to: raw.to.into(),
        from: raw.from,
        subject: raw.subject,
        body: raw.body,
        whois: raw.whois,
        carrier,
    })
}

fn server(raw: RawSmtp, path: &str, source: &Source<'_>, report: &mut Report) -> Option<Smtp> {
    let host = raw.server.value;
    if host.contains(|c: char| !c.is_ascii_alphanumeric() && !".-:_".contains(c))
        || (host.contains(':') && host.parse::<std::net::Ipv6Addr>().is_err())
    {
        let path = join(path, super::settings::SERVER.name());
        let message = "not the name or the address of a server; a port has a key of its own";
        report.error(raw.server.spot, &path, message);
        return None;
    }
    let has_password = raw.password.text.is_some() || raw.password.file.is_some();
    let password = secret(
        raw.password,
        (&PASSWORD, &PASSWORD_FILE),
        path,
        source,
        report,
    )
    .ok()?;
    let login = match (raw.user, password) {
        (Some(user), Some(password)) => {
            if raw.tls == Tls::None {
                let message =
                    "with tls: none whoever is on the way to the server reads the password";
                report.warn(user.spot, &join(path, USER.name()), message);
            }
            if user.value.contains('\0') {
                report.error(
                    user.spot,
                    &join(path, USER.name()),
                    "no name has a zero byte",
                );
                return None;
            }
            Some((user.value, password))
        }
        (Some(user), None) => {
            let message = "needs a password or a password_file";
            report.error(user.spot, &join(path, USER.name()), message);
            return None;
        }
        (None, _) if has_password => {
            report.error(raw.server.spot, path, "has a password and no user");
            return None;
        }
        (None, _) => None,
    };
    Some(Smtp {
        host,
        port: raw.port.unwrap_or(raw.tls.port()),
        tls: raw.tls,
        ca: raw.ca_file.map(Into::into),
        login,
    })
}

fn webhook(
    raw: RawWebhook,
    path: &str,
    source: &Source<'_>,
    report: &mut Report,
) -> Option<Webhook> {
    let secret = secret(raw.secret, (&SECRET, &SECRET_FILE), path, source, report).ok()?;
    if secret.is_some() && !raw.url.value.tls && raw.ca_file.is_none() {
        // Signed, but for all to read: log lines among it.
        let message = "http:// shows what is sent to whoever is on the way; use https://";
        report.warn(raw.url.spot, path, message);
    }
    Some(Webhook {
        url: raw.url.value,
        secret,
        ca: raw.ca_file.map(Into::into),
    })
}

/// It is wrong, and that was reported.
struct Reported;

/// A secret that stands in the configuration or in a file, if there is one.
fn secret<F: Shape>(
    raw: RawSecret,
    keys: (&Setting<Text>, &Setting<F>),
    path: &str,
    source: &Source<'_>,
    report: &mut Report,
) -> Result<Option<Secret>, Reported> {
    let (text_path, file_path) = (join(path, keys.0.name()), join(path, keys.1.name()));
    let text = match (raw.text, raw.file) {
        (None, None) => return Ok(None),
        (Some(text), Some(file)) => {
            let message = format!("give either this or {}, which is at", keys.1.name());
            report.error_see(text.spot, &text_path, message, file.spot);
            return Err(Reported);
        }
        (Some(text), None) => {
            if let Ok(Some(why)) = source.files().exposed(source.main()) {
                let message = format!(
                    "a secret, and the file {why}; or move it into a file ({})",
                    keys.1.name()
                );
                report.warn(text.spot, &text_path, message);
            }
            text
        }
        (None, Some(file)) => Located {
            value: from_file(&file, &file_path, source.files(), report).ok_or(Reported)?,
            spot: file.spot,
        },
    };
    if text.value.is_empty() || text.value.contains(char::is_control) {
        let message = "a secret is one line that is not empty, without control characters";
        report.error(text.spot, path, message);
        return Err(Reported);
    }
    Ok(Some(Secret(text.value)))
}

fn from_file(
    file: &Located<String>,
    path: &str,
    files: &dyn Files,
    report: &mut Report,
) -> Option<String> {
    let name = std::path::Path::new(&file.value);
    let read = files.exposed(name).and_then(|exposed| match exposed {
        None => files.read(name).map(Ok),
        Some(why) => Ok(Err(why)),
    });
    let message = match read {
        Ok(Ok(bytes)) => match String::from_utf8(bytes) {
            Ok(text) => return Some(text.lines().next().unwrap_or_default().to_owned()),
            Err(_) => format!("{} is not UTF-8", file.value),
        },
        Ok(Err(why)) => format!("{} {why}", file.value),
        Err(error) => format!("{} {}", file.value, reason(&error)),
    };
    report.error(file.spot, path, message);
    None
}

/// Which targets jails tell.
pub(crate) struct Routes<'a> {
    targets: &'a [Target],
    /// Also of those that are wrong, so that one mistake is one problem.
    names: Vec<String>,
    /// Of a jail that does not choose.
    default: Vec<Route>,
}

impl<'a> Routes<'a> {
    /// `names`: of all targets that were written; `chosen`: by `defaults`.
    pub(crate) fn new(
        targets: &'a [Target],
        names: Vec<String>,
        chosen: Option<&Vec<RawRoute>>,
        report: &mut Report,
    ) -> Self {
        let all = 0..targets.len();
        let mut routes = Self {
            targets,
            names,
            default: all.map(|target| Route { target, to: None }).collect(),
        };
        routes.default = routes.of(chosen, DEFAULTS.name(), report);
        routes
    }

    /// The targets of a jail that has chosen these. `path`: where it stands.
    pub(crate) fn of(
        &self,
        chosen: Option<&Vec<RawRoute>>,
        path: &str,
        report: &mut Report,
    ) -> Vec<Route> {
        let Some(chosen) = chosen else {
            return self.default.clone();
        };
        let path = join(path, JAIL_NOTIFY.name());
        let mut routes: Vec<Route> = Vec::new();
        for (index, raw) in chosen.iter().enumerate() {
            let path = format!("{path}[{index}]");
            let name = &raw.target.value;
            let Some(target) = self.targets.iter().position(|target| target.name == *name) else {
                if !self.names.contains(name) {
                    report.error(raw.target.spot, &path, self.unknown(name));
                }
                continue;
            };
            if routes.iter().any(|route| route.target == target) {
                report.error(raw.target.spot, &path, format!("{name} is given twice"));
            }
            if raw.to.is_some() && !matches!(self.targets[target].way, Way::Mail(_)) {
                let message = format!(
                    "{name} is told by {}, which has no `to`",
                    self.targets[target].way.word()
                );
                report.error(raw.target.spot, &path, message);
            }
            routes.push(Route {
                target,
                to: raw.to.clone().map(Arc::from),
            });
        }
        routes
    }

    fn unknown(&self, name: &str) -> String {
        let names = self.names.iter().map(String::as_str);
        match nearest(name, names) {
            Some(near) => format!("no target is named {name}; did you mean {near}?"),
            None if self.names.is_empty() => {
                format!(
                    "no target is named {name}: the main file has none under `{}`",
                    NOTIFY.name()
                )
            }
            None => format!(
                "no target is named {name}; there are {}",
                self.names.join(", ")
            ),
        }
    }
}
