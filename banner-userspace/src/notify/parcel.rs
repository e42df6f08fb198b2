//! A message that is ready to be sent, however often that takes.

use std::{net::IpAddr, time::Duration};

use ipnet::IpNet;
use jiff::tz::TimeZone;

use super::{
    backoff::random,
    event::{Event, What},
    failure::Failure,
    message::{Draft, message},
    program, smtp,
    target::{Address, Carrier, Mail, Recipients, Target, Way},
    text::shown_lines,
    webhook,
    words::Story,
};
use crate::model::Now;

/// How long `whois` may take.
const WHOIS: Duration = Duration::from_secs(10);

/// Lines of its answer that a mail shows.
const WHOIS_LINES: usize = 40;

/// What every message needs to know.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    pub(super) hostname: String,
    pub(super) zone: TimeZone,
    pub(super) clock: fn() -> Now,
}

/// A message.
pub(super) struct Parcel<'a> {
    target: &'a Target,
    sender: &'a Sender,
    content: Content<'a>,
}

enum Content<'a> {
    Mail {
        mail: &'a Mail,
        from: Address,
        to: Recipients,
        text: String,
    },
    Webhook {
        hook: &'a super::Webhook,
        event: &'static str,
        id: String,
        body: Vec<u8>,
    },
    Command {
        argv: &'a [String],
        environment: Vec<(&'static str, String)>,
        input: Vec<u8>,
    },
}

impl Sender {
    pub(super) fn new(clock: fn() -> Now) -> Self {
        let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
        let name = name.trim();
        let is_name = !name.is_empty() && name.len() <= 64 && name.chars().all(allowed);
        Self {
            hostname: if is_name { name } else { "localhost" }.to_owned(),
            zone: TimeZone::system(),
            clock,
        }
    }

    /// Writes the message. `to`: instead of the target's own recipients.
    pub(super) async fn pack<'a>(
        &'a self,
        target: &'a Target,
        event: &Event,
        to: Option<&Recipients>,
    ) -> Parcel<'a> {
        let mut story = Story {
            event,
            hostname: &self.hostname,
            zone: &self.zone,
            whois: None,
        };
        let id = format!(
            "{:x}.{:08x}{:08x}",
            (self.clock)().wall.0,
            random(),
            random()
        );
        let content = match &target.way {
            Way::Mail(mail) => {
                let whois = match subject_of(event) {
                    Some(address) if mail.whois => Some(whois(address).await),
                    _ => None,
                };
                story.whois = whois.as_deref();
                let from = mail.from.clone().or_else(|| self.address());
                let from = from.unwrap_or_else(Address::nobody);
                let to = to.unwrap_or(&mail.to).clone();
                let text = message(Draft {
                    from: &from,
                    to: &to,
                    subject: &story.fill(&mail.subject),
                    body: &story.fill(&mail.body),
                    at: event.at,
                    zone: &self.zone,
                    id: &id,
                });
                Content::Mail {
                    mail,
                    from,
                    to,
                    text,
                }
            }
            Way::Webhook(hook) => Content::Webhook {
                hook,
                event: event.what.word(),
                id,
                body: story.json().to_string().into_bytes(),
            },
            Way::Command(argv) => Content::Command {
                argv,
                environment: story.environment(),
                input: format!("{}\n", story.json()).into_bytes(),
            },
        };
        Parcel {
            target,
            sender: self,
            content,
        }
    }

    fn address(&self) -> Option<Address> {
        Address::parse(&format!("banner@{}", self.hostname))
    }
}

impl Parcel<'_> {
    /// Tries once.
    pub(super) async fn send(&self) -> Result<(), Failure> {
        let deadline = self.target.timeout;
        let in_time = async |sending: Sending<'_>| {
            let sent = tokio::time::timeout(deadline, sending).await;
            sent.unwrap_or_else(|_| {
                let seconds = deadline.as_secs_f64();
                Err(Failure::passing(format!("not done in {seconds} s")))
            })
        };
        match &self.content {
            Content::Mail {
                mail,
                from,
                to,
                text,
            } => match &mail.carrier {
                Carrier::Smtp(server) => {
                    let hello = &self.sender.hostname;
                    in_time(Box::pin(smtp::send(server, hello, from, to, text))).await
                }
                Carrier::Sendmail(program) => {
                    let mut argv = vec![program.display().to_string()];
                    argv.extend(["-i", "-f", from.as_str(), "--"].map(str::to_owned));
                    argv.extend(to.iter().map(|to| to.as_str().to_owned()));
                    // As programs that take the place of sendmail want their lines.
                    let text = text.replace("\r\n", "\n");
                    let ended = program::run(&argv, &[], text.as_bytes(), deadline).await?;
                    if ended.success() {
                        return Ok(());
                    }
                    Err(Failure::passing(ended.complaint(&argv[0])))
                }
            },
            Content::Webhook {
                hook,
                event,
                id,
                body,
            } => {
                let now = (self.sender.clock)().wall.as_secs();
                in_time(Box::pin(webhook::send(hook, body, event, id, now))).await
            }
            Content::Command {
                argv,
                environment,
                input,
            } => {
                let ended = program::run(argv, environment, input, deadline).await?;
                match ended.code {
                    Some(0) => Ok(()),
                    // EX_TEMPFAIL of sysexits.h.
                    Some(75) => Err(Failure::passing(ended.complaint(&argv[0]))),
                    _ => Err(Failure::permanent(ended.complaint(&argv[0]))),
                }
            }
        }
    }
}

type Sending<'a> = std::pin::Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

/// Whom `whois` can be asked about.
fn subject_of(event: &Event) -> Option<IpAddr> {
    let What::Ban(ban) = &event.what else {
        return None;
    };
    let net = ban.net.parse::<IpNet>().ok().map(|net| net.addr());
    ban.host.or_else(|| ban.net.parse().ok()).or(net)
}

/// What it says of an address without its comments, or why it does not.
async fn whois(address: IpAddr) -> String {
    let argv = ["whois".to_owned(), address.to_string()];
    match program::run(&argv, &[], b"", WHOIS).await {
        Ok(ended) => {
            let says = |line: &&str| !line.trim().is_empty() && !line.starts_with(['%', '#']);
            let lines: Vec<_> = ended.stdout.lines().filter(says).collect();
            if lines.is_empty() {
                return format!("(it said nothing: {})", ended.complaint("whois"));
            }
            shown_lines(&lines.join("\n"), WHOIS_LINES, 200).join("\n")
        }
        Err(failure) => format!("({failure})"),
    }
}
