//! As programs get it: JSON, and variables of an environment.

use serde_json::{Value, json};

use super::{LINE, Story, WORDS, address, log_lines, rfc3339, summary};
use crate::notify::{digest::Digest, event::What, template::Field, text::shown};

impl Story<'_> {
    /// As webhooks and commands get it. Texts are escaped as they are in mail, so that who prints
    /// one of them to a terminal is not steered by it.
    pub(in crate::notify) fn json(&self) -> Value {
        let what = &self.event.what;
        let mut value = json!({
            "event": what.word(),
            "at": rfc3339(self.event.at),
            "hostname": shown(self.hostname, WORDS),
            "text": summary(what),
        });
        let more = match what {
            What::Ban(ban) => json!({
                "jail": ban.jail.as_deref().map(|jail| shown(jail, WORDS)),
                "address": shown(&ban.net, WORDS),
                "host": ban.host,
                "ports": shown(&ban.ports, WORDS),
                "failures": ban.failures,
                "seconds": ban.lasts.map(|lasts| lasts.as_secs()),
                "standing": ban.standing.word(),
                "again": ban.again,
                "lines": log_lines(ban),
            }),
            What::Unban(unban) => json!({
                "jail": unban.jail.as_deref().map(|jail| shown(jail, WORDS)),
                "address": shown(&unban.net, WORDS),
                "ports": shown(&unban.ports, WORDS),
                "observed": unban.observed,
                "why": unban.why,
            }),
            What::Start { jails, bans } => json!({ "jails": jails, "bans": bans }),
            What::Stop { why, bans } => json!({ "why": shown(why, WORDS), "bans": bans }),
            What::Problem(text) | What::Solved(text) => json!({ "problem": shown(text, LINE) }),
            What::Digest(digest) => digest_json(digest),
        };
        if let (Value::Object(value), Value::Object(more)) = (&mut value, more) {
            value.extend(more);
        }
        value
    }

    /// What a command finds in its environment: names and values, none with a control character.
    pub(in crate::notify) fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![
            ("BANNER_EVENT", self.value(Field::Event)),
            ("BANNER_TEXT", self.value(Field::Summary)),
            ("BANNER_AT", rfc3339(self.event.at)),
            ("BANNER_HOSTNAME", self.value(Field::Hostname)),
        ];
        if address(&self.event.what).is_some() {
            variables.extend([
                ("BANNER_JAIL", self.value(Field::Jail)),
                ("BANNER_ADDRESS", self.value(Field::Address)),
                ("BANNER_PORTS", self.value(Field::Ports)),
            ]);
        }
        if let What::Ban(ban) = &self.event.what {
            variables.extend([
                ("BANNER_HOST", self.value(Field::Host)),
                ("BANNER_FAILURES", self.value(Field::Failures)),
                (
                    "BANNER_SECONDS",
                    ban.lasts
                        .map_or_else(String::new, |lasts| lasts.as_secs().to_string()),
                ),
            ]);
        }
        variables
    }
}

fn digest_json(digest: &Digest) -> Value {
    let jails = digest.jails.iter().map(|(jail, (bans, unbans))| {
        let counts = json!({ "bans": bans, "unbans": unbans });
        (shown(jail, WORDS), counts)
    });
    let texts = digest.texts.iter().map(|text| shown(text, LINE));
    json!({
        "folded": digest.count(),
        "bans": digest.bans,
        "unbans": digest.unbans,
        "problems": digest.problems,
        "first": digest.between.map(|(first, _)| rfc3339(first)),
        "last": digest.between.map(|(_, last)| rfc3339(last)),
        "jails": jails.collect::<serde_json::Map<_, _>>(),
        "addresses": digest.addresses.iter().map(|net| shown(net, WORDS)).collect::<Vec<_>>(),
        "lines": texts.collect::<Vec<_>>(),
    })
}
