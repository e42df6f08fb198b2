//! `banner notify`.

use std::{path::Path, process::ExitCode, time::Duration};

use clap::{Args, Subcommand};

use super::{output::say, table::escaped};
use crate::{
    agent, config,
    notify::{self, Banned, Event, Standing, Target, Way, What},
};

/// Arguments of `banner notify`.
#[derive(Debug, Args)]
pub(super) struct Notify {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Send a sample of a ban to targets of the configuration, once, without the agent.
    Test {
        /// The target; without it, all of them.
        name: Option<String>,
    },
}

pub(super) fn notify(path: &Path, arguments: &Notify) -> anyhow::Result<ExitCode> {
    let Command::Test { name } = &arguments.command;
    let config = config::load(path)?;
    let wanted = |target: &&Target| name.as_ref().is_none_or(|name| target.name == *name);
    let targets: Vec<_> = config.notify.iter().filter(wanted).collect();
    if targets.is_empty() {
        let names: Vec<_> = config.notify.iter().map(|target| &*target.name).collect();
        anyhow::bail!(match name {
            Some(name) if !names.is_empty() => {
                format!(
                    "no target is named {name:?}; there are {}",
                    names.join(", ")
                )
            }
            _ => format!("{} names nobody under `notify`", path.display()),
        });
    }
    let event = sample();
    let mut code = ExitCode::SUCCESS;
    for target in targets {
        match notify::send_now(target, &event, None, agent::now) {
            Ok(()) => say!("{}: sent{}", escaped(&target.name), to(target)),
            Err(failure) => {
                say!(
                    "{}: NOT sent{}: {failure}",
                    escaped(&target.name),
                    to(target)
                );
                code = ExitCode::FAILURE;
            }
        }
    }
    Ok(code)
}

fn to(target: &Target) -> String {
    match &target.way {
        Way::Mail(mail) => {
            let to: Vec<_> = mail.to.iter().map(notify::Address::as_str).collect();
            format!(" by mail to {}", to.join(", "))
        }
        Way::Webhook(hook) => format!(" to {}", escaped(&hook.url.host)),
        Way::Command(argv) => format!(" to {}", escaped(&argv[0])),
    }
}

/// An address of RFC 5737, which nobody has.
fn sample() -> Event {
    Event {
        at: agent::now().wall,
        what: What::Ban(Banned {
            jail: Some("sample".into()),
            net: "192.0.2.1".to_owned(),
            host: Some([192, 0, 2, 1].into()),
            ports: "all".to_owned(),
            failures: 5,
            lasts: Some(Duration::from_hours(1)),
            standing: Standing::Sample,
            again: false,
            lines: vec!["a line of a log, as a failure looks like".to_owned()],
        }),
    }
}
