//! The keys of targets.

use super::raw::{DigestOf, MailOf, NotifyOf, RoutesOf, SmtpOf, WebhookOf};
use super::shapes::{AbsolutePath, AddressOf, CommandOf, TemplateOf, UrlOf};
use crate::config::duration::Span;
use crate::config::section::{Default, Section, Setting};
use crate::config::shape::{Choice, Count, Flag, List, Text};
use crate::notify::{Kind, Tls};

pub(crate) static NOTIFY: Setting<NotifyOf> = Setting::new(
    "notify",
    NotifyOf,
    Default::Words("none"),
    "Who is told of bans and troubles, by mail, webhook or command (docs/notify.md).",
)
.also(&["notifications", "notifiers", "destemail", "alerts", "mail"]);

pub(crate) static JAIL_NOTIFY: Setting<RoutesOf> = Setting::new(
    "notify",
    RoutesOf,
    Default::Words("every target"),
    "Which targets are told of the bans of a jail, and which addresses instead of a target's own.",
)
.also(&["destemail", "mail", "alerts"]);

pub(crate) static ROUTE_TARGET: Setting<Text> = Setting::new(
    "target",
    Text("the name of a target"),
    Default::Required,
    "The target.",
)
.also(&["name"]);

pub(crate) static ROUTE_TO: Setting<List<AddressOf>> = Setting::new(
    "to",
    ADDRESSES,
    Default::Words("those of the target"),
    "To whom mail goes for this jail, instead of the target's own `to`.",
)
.also(&["recipients", "destemail"]);

/// The ways of which a target has one.
pub(super) const COMMAND_SECTION_NAMES: &str = "mail, webhook and command";

pub(crate) static MAIL: Setting<MailOf> = Setting::new(
    "mail",
    MailOf,
    Default::Words("none"),
    "It is told by mail. A target has exactly one of `mail`, `webhook` and `command`.",
)
.also(&["email", "sendmail", "smtp"]);

pub(crate) static WEBHOOK: Setting<WebhookOf> = Setting::new(
    "webhook",
    WebhookOf,
    Default::Words("none"),
    "It is told by an HTTP request with a JSON body.",
)
.also(&["url", "http", "hook"]);

pub(crate) static COMMAND: Setting<CommandOf> = Setting::new(
    "command",
    CommandOf,
    Default::Words("none"),
    "It is told by a program, which gets variables (`BANNER_…`) and JSON on standard input. No shell is asked. Exit code 75: try again.",
)
.also(&["exec", "program", "run"]);

pub(crate) static EVENTS: Setting<List<Choice<Kind>>> = Setting::new(
    "events",
    List {
        item: Choice(&Kind::ALL),
        of: "events",
    },
    Default::Value("[ban, start, stop, problem]"),
    "Of what it is told: of bans, of their ends, of start and stop of the agent, of what `banner status` calls a problem, and that it is solved.",
)
.also(&["on", "when"]);

pub(crate) static DIGEST: Setting<DigestOf> = Setting::new(
    "digest",
    DigestOf,
    Default::Words("see below"),
    "When many events are told together in one message.",
)
.also(&["rate", "limit", "throttle"]);

pub(crate) static TIMEOUT: Setting<Span> = Setting::new(
    "timeout",
    Span,
    Default::Value("30s"),
    "How long one attempt may take, names, TLS and answers included.",
)
.also(&["deadline"]);

pub(crate) static RETRY_FOR: Setting<Span> = Setting::new(
    "retry_for",
    Span,
    Default::Value("1h"),
    "For how long a message is tried again, with pauses from a second to five minutes; then it is dropped and counted.",
)
.also(&["retries", "retry"]);

pub(crate) static FIRST: Setting<Count<u32>> = Setting::new(
    "first",
    Count {
        min: 0,
        max: 1_000_000,
    },
    Default::Value("10"),
    "So many events in a period get a message of their own; the others wait for the digest at its end, which says how many it folds.",
)
.also(&["burst", "max", "count"]);

pub(crate) static PERIOD: Setting<Span> = Setting::new(
    "period",
    Span,
    Default::Value("10m"),
    "How long events are gathered. While there are some to gather in each period, there is one message for each.",
)
.also(&["interval", "every"]);

const ADDRESSES: List<AddressOf> = List {
    item: AddressOf,
    of: "mail addresses",
};

pub(crate) static TO: Setting<List<AddressOf>> = Setting::new(
    "to",
    ADDRESSES,
    Default::Required,
    "To whom, where a jail does not say otherwise.",
)
.also(&["recipients", "destemail", "dest"]);

pub(crate) static FROM: Setting<AddressOf> = Setting::new(
    "from",
    AddressOf,
    Default::Words("`banner@` and the name of this machine"),
    "From whom.",
)
.also(&["sender"]);

pub(crate) static SUBJECT: Setting<TemplateOf> = Setting::new(
    "subject",
    TemplateOf { one_line: true },
    Default::Value("'[banner] %{hostname}: %{summary}'"),
    "The subject, with placeholders of one line.",
)
.also(&["title"]);

pub(crate) static BODY: Setting<TemplateOf> = Setting::new(
    "body",
    TemplateOf { one_line: false },
    Default::Value("\"%{summary}\\n\\n%{details}%{lines}%{whois}\""),
    "The text, with placeholders (docs/notify.md).",
)
.also(&["text", "message", "template"]);

pub(crate) static WHOIS: Setting<Flag> = Setting::new(
    "whois",
    Flag,
    Default::Value("false"),
    "Ask the program `whois` about who is banned, and add what it says. This tells the registry's server of every ban that gets a mail of its own.",
);

pub(crate) static SENDMAIL: Setting<AbsolutePath> = Setting::new(
    "sendmail",
    AbsolutePath("a program"),
    Default::Value("/usr/sbin/sendmail"),
    "The program that carries mail where there is no `smtp`; it is called with `-i -f FROM -- TO…`.",
)
.also(&["mta"]);

pub(crate) static SMTP: Setting<SmtpOf> = Setting::new(
    "smtp",
    SmtpOf,
    Default::Words("none"),
    "The mail server that takes it.",
);

pub(crate) static SERVER: Setting<Text> = Setting::new(
    "server",
    Text("the name or the address of a mail server"),
    Default::Required,
    "Its name or address, without a port.",
)
.also(&["host", "relay", "smarthost"]);

pub(crate) static PORT: Setting<Count<u16>> = Setting::new(
    "port",
    Count {
        min: 1,
        max: u16::MAX,
    },
    Default::Words("587, 465 with `tls: implicit`, 25 with `tls: none`"),
    "Its port.",
);

pub(crate) static TLS: Setting<Choice<Tls>> = Setting::new(
    "tls",
    Choice(&[
        ("starttls", Tls::Starttls),
        ("implicit", Tls::Implicit),
        ("none", Tls::None),
    ]),
    Default::Value("starttls"),
    "How the connection is kept secret: after STARTTLS, from its beginning (`implicit`), or not at all. Nothing is sent where that fails, or where the certificate is not the server's.",
)
.also(&["ssl", "security", "encryption"]);

pub(crate) static CA_FILE: Setting<AbsolutePath> = Setting::new(
    "ca_file",
    AbsolutePath("a file of certificates"),
    Default::Words("those of the system"),
    "Certificates (PEM) to trust instead of those of the system.",
)
.also(&["ca", "cafile", "certificates"]);

pub(crate) static USER: Setting<Text> = Setting::new(
    "user",
    Text("the name of a user"),
    Default::Words("no login"),
    "For a server that wants to know who sends.",
)
.also(&["username", "login"]);

pub(crate) static PASSWORD: Setting<Text> = Setting::new(
    "password",
    Text("a password"),
    Default::Words("none"),
    "Its password. `password_file` keeps it apart from the configuration.",
)
.also(&["pass"]);

pub(crate) static PASSWORD_FILE: Setting<AbsolutePath> = Setting::new(
    "password_file",
    AbsolutePath("a file"),
    Default::Words("none"),
    "A file whose first line is the password. Only root or the user who runs banner may own it, and nobody else may read it, but for its group.",
)
.also(&["passfile"]);

pub(crate) static URL: Setting<UrlOf> = Setting::new(
    "url",
    UrlOf,
    Default::Required,
    "Where the request goes. Redirects are not followed.",
)
.also(&["uri", "address", "endpoint"]);

pub(crate) static SECRET: Setting<Text> = Setting::new(
    "secret",
    Text("a key for signatures"),
    Default::Words("no signature"),
    "The key of the HMAC-SHA256 in the header `X-Banner-Signature`. `secret_file` keeps it apart from the configuration.",
)
.also(&["key", "token"]);

pub(crate) static SECRET_FILE: Setting<AbsolutePath> = Setting::new(
    "secret_file",
    AbsolutePath("a file"),
    Default::Words("none"),
    "A file whose first line is the key, guarded as a `password_file` is.",
)
.also(&["key_file"]);

pub(crate) static TARGET_SECTION: Section = Section {
    name: "a target of `notify`",
    about: "`notify` is a mapping from the name of a target to these keys. A name has 1 to 64 \
            letters, digits, dots, underscores and hyphens.",
    settings: &[
        &MAIL, &WEBHOOK, &COMMAND, &EVENTS, &DIGEST, &TIMEOUT, &RETRY_FOR,
    ],
};

pub(crate) static MAIL_SECTION: Section = Section {
    name: "`mail` of a target",
    about: "Mail through the program `sendmail`, or to a server (`smtp`).",
    settings: &[&TO, &FROM, &SUBJECT, &BODY, &WHOIS, &SENDMAIL, &SMTP],
};

pub(crate) static SMTP_SECTION: Section = Section {
    name: "`smtp` of a mail target",
    about: "The server that takes the mail.",
    settings: &[
        &SERVER,
        &PORT,
        &TLS,
        &CA_FILE,
        &USER,
        &PASSWORD,
        &PASSWORD_FILE,
    ],
};

pub(crate) static WEBHOOK_SECTION: Section = Section {
    name: "`webhook` of a target",
    about: "A URL alone does, too.",
    settings: &[&URL, &SECRET, &SECRET_FILE, &CA_FILE],
};

pub(crate) static DIGEST_SECTION: Section = Section {
    name: "`digest` of a target",
    about: "When many events are told together.",
    settings: &[&FIRST, &PERIOD],
};

pub(crate) static ROUTE_SECTION: Section = Section {
    name: "an item of a jail's `notify`",
    about: "The name of a target alone does, too.",
    settings: &[&ROUTE_TARGET, &ROUTE_TO],
};
