//! The first stage: targets as they were written.

use super::settings::{
    self as keys, COMMAND_SECTION_NAMES, DIGEST_SECTION, MAIL_SECTION, ROUTE_SECTION, SMTP_SECTION,
    TARGET_SECTION, WEBHOOK_SECTION,
};
use super::shapes::UrlOf;
use crate::config::name::{NAME_RULE, is_name};
use crate::config::report::Report;
use crate::config::section::{Fields, join};
use crate::config::shape::{List, Shape, Text, unexpected};
use crate::config::yaml::{Key, Kind, Located, Node};
use crate::notify::{Address, DigestRule, Kind as EventKind, Template, Tls, Url};

use std::time::Duration;

/// A target.
pub(crate) struct RawNotify {
    pub(crate) name: Located<String>,
    /// The way to it, for messages.
    pub(crate) path: String,
    pub(crate) way: RawWay,
    pub(crate) events: Vec<EventKind>,
    pub(crate) digest: DigestRule,
    pub(crate) timeout: Duration,
    pub(crate) retry_for: Duration,
}

/// How it is told.
pub(crate) enum RawWay {
    Mail(Box<RawMail>),
    Webhook(RawWebhook),
    Command(Vec<String>),
}

pub(crate) struct RawMail {
    pub(crate) to: Vec<Address>,
    pub(crate) from: Option<Address>,
    pub(crate) subject: Template,
    pub(crate) body: Template,
    pub(crate) whois: bool,
    pub(crate) sendmail: String,
    pub(crate) smtp: Option<RawSmtp>,
}

pub(crate) struct RawSmtp {
    pub(crate) server: Located<String>,
    pub(crate) port: Option<u16>,
    pub(crate) tls: Tls,
    pub(crate) ca_file: Option<String>,
    pub(crate) user: Option<Located<String>>,
    pub(crate) password: RawSecret,
}

pub(crate) struct RawWebhook {
    pub(crate) url: Located<Url>,
    pub(crate) secret: RawSecret,
    pub(crate) ca_file: Option<String>,
}

/// A secret, or the file that holds it.
#[derive(Default)]
pub(crate) struct RawSecret {
    pub(crate) text: Option<Located<String>>,
    pub(crate) file: Option<Located<String>>,
}

/// That a jail tells a target.
#[derive(Clone, Debug)]
pub(crate) struct RawRoute {
    pub(crate) target: Located<String>,
    pub(crate) to: Option<Vec<Address>>,
}

/// The value of `notify` in the main file.
pub(crate) struct NotifyOf;

impl Shape for NotifyOf {
    type Value = Vec<RawNotify>;

    fn noun(&self) -> String {
        "a mapping from the name of a target to its keys".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Vec<RawNotify>> {
        let Kind::Mapping(entries) = &node.kind else {
            unexpected(self, node, path, report);
            return None;
        };
        let mut targets: Vec<RawNotify> = Vec::new();
        for (name, node) in entries {
            let path = join(path, &name.text);
            if let Some(first) = targets.iter().find(|other| other.name.value == name.text) {
                report.error_see(name.spot, &path, "given twice; first at", first.name.spot);
                continue;
            }
            targets.extend(target(name, node, &path, report));
        }
        Some(targets)
    }

    fn empty(&self) -> Option<Vec<RawNotify>> {
        Some(Vec::new())
    }
}

fn target(name: &Key, node: &Node, path: &str, report: &mut Report) -> Option<RawNotify> {
    if !is_name(&name.text) {
        let message = format!("not a name for a target; it must have {NAME_RULE}");
        report.error(name.spot, path, message);
    }
    let fields = Fields::read(&TARGET_SECTION, node, name.spot, path, report)?;
    let given = [
        fields.has(&keys::MAIL),
        fields.has(&keys::WEBHOOK),
        fields.has(&keys::COMMAND),
    ];
    let ways = given.into_iter().filter(|given| *given).count();
    if ways != 1 {
        let found = if ways == 0 { "none" } else { "several" };
        let message = format!("needs exactly one of {COMMAND_SECTION_NAMES}, and has {found}");
        report.error(name.spot, path, message);
    }
    let mail = fields.get(&keys::MAIL, report);
    let mail = mail.map(|mail| RawWay::Mail(Box::new(mail.value)));
    let webhook = fields.get(&keys::WEBHOOK, report);
    let webhook = webhook.map(|hook| RawWay::Webhook(hook.value));
    let command = fields.get(&keys::COMMAND, report);
    let command = command.map(|command| RawWay::Command(command.value));
    let events = match fields.get(&keys::EVENTS, report) {
        Some(events) => events.value.into_iter().map(|event| event.value).collect(),
        None => keys::EVENTS
            .default_value()
            .into_iter()
            .map(|event| event.value)
            .collect(),
    };
    let target = RawNotify {
        name: Located {
            value: name.text.clone(),
            spot: name.spot,
        },
        path: path.to_owned(),
        events,
        digest: (fields.get(&keys::DIGEST, report))
            .map_or_else(default_digest, |digest| digest.value),
        timeout: fields.get_or_default(&keys::TIMEOUT, report),
        retry_for: fields.get_or_default(&keys::RETRY_FOR, report),
        way: mail.or(webhook).or(command)?,
    };
    (ways == 1).then_some(target)
}

fn default_digest() -> DigestRule {
    DigestRule {
        first: keys::FIRST.default_value(),
        period: keys::PERIOD.default_value(),
    }
}

/// The value of `digest`.
pub(crate) struct DigestOf;

impl Shape for DigestOf {
    type Value = DigestRule;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ first: 10, period: 10m }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<DigestRule> {
        let fields = Fields::read(&DIGEST_SECTION, node, node.spot, path, report)?;
        Some(DigestRule {
            first: fields.get_or_default(&keys::FIRST, report),
            period: fields.get_or_default(&keys::PERIOD, report),
        })
    }
}

/// The value of `mail`.
pub(crate) struct MailOf;

impl Shape for MailOf {
    type Value = RawMail;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ to: [root] }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawMail> {
        let fields = Fields::read(&MAIL_SECTION, node, node.spot, path, report)?;
        let to = fields.require(&keys::TO, report);
        if let Some(to) = &to
            && to.value.is_empty()
        {
            report.error(
                to.spot,
                &fields.path_of(&keys::TO),
                "needs at least one address",
            );
        }
        if fields.has(&keys::SENDMAIL) && fields.has(&keys::SMTP) {
            let message = "give either sendmail or smtp: mail goes one way";
            report.error(node.spot, path, message);
        }
        let smtp = fields.get(&keys::SMTP, report);
        let is_wrong = fields.has(&keys::SMTP) && smtp.is_none();
        let mail = RawMail {
            from: fields.get(&keys::FROM, report).map(|from| from.value),
            subject: fields.get_or_default(&keys::SUBJECT, report),
            body: fields.get_or_default(&keys::BODY, report),
            whois: fields.get_or_default(&keys::WHOIS, report),
            sendmail: fields.get_or_default(&keys::SENDMAIL, report),
            smtp: smtp.map(|smtp| smtp.value),
            to: to?.value.into_iter().map(|to| to.value).collect(),
        };
        (!is_wrong && !mail.to.is_empty()).then_some(mail)
    }
}

/// The value of `smtp`.
pub(crate) struct SmtpOf;

impl Shape for SmtpOf {
    type Value = RawSmtp;

    fn noun(&self) -> String {
        "a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ server: mail.example.org }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawSmtp> {
        let fields = Fields::read(&SMTP_SECTION, node, node.spot, path, report)?;
        let server = fields.require(&keys::SERVER, report);
        Some(RawSmtp {
            port: fields.get(&keys::PORT, report).map(|port| port.value),
            tls: fields.get_or_default(&keys::TLS, report),
            ca_file: fields.get(&keys::CA_FILE, report).map(|file| file.value),
            user: fields.get(&keys::USER, report),
            password: RawSecret {
                text: fields.get(&keys::PASSWORD, report),
                file: fields.get(&keys::PASSWORD_FILE, report),
            },
            server: server?,
        })
    }
}

/// The value of `webhook`: a URL, or a mapping.
pub(crate) struct WebhookOf;

impl Shape for WebhookOf {
    type Value = RawWebhook;

    fn noun(&self) -> String {
        "a URL, or a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ url: 'https://hooks.example.org/banner', secret_file: /etc/banner/hook.secret }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawWebhook> {
        if matches!(node.kind, Kind::Text(_)) {
            return Some(RawWebhook {
                url: Located {
                    value: UrlOf.read(node, path, report)?,
                    spot: node.spot,
                },
                secret: RawSecret::default(),
                ca_file: None,
            });
        }
        let fields = Fields::read(&WEBHOOK_SECTION, node, node.spot, path, report)?;
        let url = fields.require(&keys::URL, report);
        Some(RawWebhook {
            secret: RawSecret {
                text: fields.get(&keys::SECRET, report),
                file: fields.get(&keys::SECRET_FILE, report),
            },
            ca_file: fields.get(&keys::CA_FILE, report).map(|file| file.value),
            url: url?,
        })
    }
}

/// The value of a jail's `notify`: names of targets, or mappings.
pub(crate) struct RoutesOf;

const ROUTES: List<RouteOf> = List {
    item: RouteOf,
    of: "targets",
};

impl Shape for RoutesOf {
    type Value = Vec<RawRoute>;

    fn noun(&self) -> String {
        ROUTES.noun()
    }

    fn examples(&self) -> &'static str {
        "[admins, { target: owners, to: [anna@example.org] }], or [] for nobody"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<Vec<RawRoute>> {
        let routes = ROUTES.read(node, path, report)?;
        Some(routes.into_iter().map(|route| route.value).collect())
    }
}

struct RouteOf;

impl Shape for RouteOf {
    type Value = RawRoute;

    fn noun(&self) -> String {
        "the name of a target, or a mapping".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<RawRoute> {
        if !matches!(node.kind, Kind::Mapping(_)) {
            let name = Text("the name of a target").read(node, path, report)?;
            return Some(RawRoute {
                target: Located {
                    value: name,
                    spot: node.spot,
                },
                to: None,
            });
        }
        let fields = Fields::read(&ROUTE_SECTION, node, node.spot, path, report)?;
        let target = fields.require(&keys::ROUTE_TARGET, report);
        let to = fields.get(&keys::ROUTE_TO, report);
        if let Some(to) = &to
            && to.value.is_empty()
        {
            let message = "needs at least one address; to tell nobody, leave the target out";
            report.error(to.spot, &fields.path_of(&keys::ROUTE_TO), message);
        }
        Some(RawRoute {
            target: target?,
            to: to.map(|to| to.value.into_iter().map(|to| to.value).collect()),
        })
    }
}
