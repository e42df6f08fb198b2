//! The command line.
//!
//! Exit codes: 0 done, 1 failed or not all of it done, 2 wrong usage (clap's), 3 no agent answers.
//! `banner doctor` has its own: 0 usable natively, 1 usable with limits, 2 unusable.

mod ban;
mod ban_list;
mod bans;
mod check;
mod detach;
mod doctor;
mod explain;
mod import;
mod jail;
mod log;
mod notify;
mod output;
mod reload;
mod run;
mod status;
mod table;
mod test;
mod top;
mod trace;
mod unban;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;

use crate::{
    agent,
    config::Problems,
    control::{self, Client, ClientError},
};

/// Bans hosts that attack: reads logs, recognises failures, drops packets in XDP.
#[derive(Debug, Parser)]
#[command(name = "banner", version, about, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

/// Where everything is; the same for every command.
#[derive(Clone, Debug, Args)]
struct Places {
    /// Main configuration file; filters.d and prefixes.yaml are looked for beside it.
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        default_value = "/etc/banner/banner.yaml"
    )]
    config: PathBuf,
    /// Interface to protect (or detach), instead of those in the configuration; may be given several times.
    #[arg(long = "interface", global = true, value_name = "IF")]
    interfaces: Vec<String>,
    /// Where the agent keeps what has to outlive it.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "/var/lib/banner"
    )]
    state_dir: PathBuf,
    /// Control socket of the agent.
    #[arg(
        long,
        global = true,
        value_name = "PATH",
        default_value = "/run/banner/banner.sock"
    )]
    socket: PathBuf,
    /// Where BPF maps and links are pinned: a folder of a BPF file system, made if need be.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        default_value = "/sys/fs/bpf/banner"
    )]
    pin_dir: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the agent in the foreground until SIGTERM or Ctrl-C; bans outlive it.
    Run,
    /// Read the configuration, and run the sample lines of its filters; changes nothing.
    Check,
    /// Show what a filter says of the lines of logs: counts, addresses, what each pattern costs.
    /// Exit code 0: all lines were read, whether they are failures or not; 1: not all.
    Test(test::Test),
    /// Show what a running agent does, or all about one jail.
    Status {
        /// The name of a jail.
        #[arg(value_name = "JAIL", value_parser = control::jail_name)]
        jail: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Ban hosts and prefixes by hand.
    Ban(ban::Ban),
    /// List the bans of a running agent, soonest end first; of more than 10000, in no order.
    Bans {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Say why a host or prefix is banned: by which lines, until when, what it did since; or why not.
    Explain {
        /// IPv4 or IPv6 address, or prefix.
        #[arg(value_name = "ADDRESS|PREFIX", value_parser = control::net)]
        net: IpNet,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have a running agent read its configuration again: jails, logs, ignore lists and limits change
    /// without losing a line, a count or a ban. What is wrong with it is said, and the old one goes on.
    Reload {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Have a running agent stop, and wait until it has. Bans stay in force until they end.
    Stop {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show whose packets bans have kept out most often, as far as samples tell.
    Top {
        /// How many hosts.
        #[arg(short = 'n', long = "count", value_name = "N", default_value_t = control::FEW)]
        count: usize,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// End every ban on just these hosts or prefixes, or all; without an agent, in what it left behind.
    Unban(unban::Unban),
    /// Take the XDP program off every interface and remove all pins: no packet is dropped any more.
    /// With --interface, off those interfaces only.
    Detach,
    /// Show what becomes of every packet of an address. It takes root: the packets are in a log of the
    /// XDP program's, which the agent replaces by one that writes it for so long.
    Trace(trace::Trace),
    /// Make banner's configuration of another program's.
    Import(import::Import),
    /// Tell those whom the configuration wants to be told, for a test.
    Notify(notify::Notify),
    /// Say what this machine can do and what banner would use; changes nothing. Exit code 0: usable
    /// natively, 1: usable with limits, 2: unusable.
    Doctor {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// Parses the arguments and does what they say.
pub fn main() -> ExitCode {
    let Cli { places, command } = Cli::parse();
    let config = places.config.clone();
    let result = match command {
        Command::Run => run::run(places),
        Command::Check => check::check(&places.config),
        Command::Test(arguments) => test::test(&places.config, &arguments),
        Command::Status {
            jail: Some(jail),
            json,
        } => jail::status(&places.socket, &jail, json),
        Command::Status { jail: None, json } => status::status(&places, json),
        Command::Bans { json } => bans::bans(&places.socket, json),
        Command::Explain { net, json } => explain::explain(&places.socket, net, json),
        Command::Reload { json } => reload::reload(&places.socket, json),
        Command::Stop { json } => reload::stop(&places.socket, json),
        Command::Top { count, json } => top::top(&places.socket, count, json),
        Command::Ban(ban) => ban::ban(&places.socket, &ban),
        Command::Unban(unban) => unban::unban(&places, &unban),
        Command::Detach => detach::detach(places),
        Command::Trace(trace) => trace::trace(&places, &trace),
        Command::Import(import) => import::import(&import),
        Command::Notify(arguments) => notify::notify(&places.config, &arguments),
        Command::Doctor { json } => doctor::doctor(&places, json),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            complain(&error, &config);
            match error.downcast_ref() {
                Some(ClientError::NoAgent { .. }) => ExitCode::from(3),
                _ => ExitCode::FAILURE,
            }
        }
    }
}

/// Says on stderr why nothing came of a command.
fn complain(error: &anyhow::Error, config: &Path) {
    let text = table::escaped_lines(&whole(error));
    if error.is::<Problems>() {
        // As compilers do: every line begins with its place, where editors look for it.
        eprintln!("{text}");
        if !config.exists() {
            eprintln!("write one (docs/configuration.md), or name another with --config FILE");
        }
    } else {
        eprintln!("banner: {text}");
    }
}

/// An error with its causes, each of them once: some errors name theirs themselves.
fn whole(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.extend([": ", &cause]);
        }
    }
    text
}

impl From<Places> for agent::Options {
    fn from(places: Places) -> Self {
        let Places {
            config,
            interfaces,
            state_dir,
            socket,
            pin_dir,
        } = places;
        Self {
            config,
            interfaces,
            state_dir,
            socket,
            pin_dir,
        }
    }
}

/// Asks the agent one question.
fn ask<T>(question: impl AsyncFnOnce(Client) -> T, socket: &Path) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(question(Client::new(socket))))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn causes_are_named_once() {
        let cause = std::io::Error::other("disk on fire");
        let error = anyhow::Error::from(cause).context("x: cannot read: disk on fire");
        assert_eq!(
            whole(&error.context("start")),
            "start: x: cannot read: disk on fire"
        );
    }

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_mean_the_same_before_and_behind_the_command() {
        let parse = |arguments: &[&str]| Cli::try_parse_from(arguments).unwrap().places;
        let before = parse(&["banner", "--pin-dir", "/p", "--interface", "a", "detach"]);
        let behind = parse(&["banner", "detach", "--interface", "a", "--pin-dir", "/p"]);
        assert_eq!(format!("{before:?}"), format!("{behind:?}"));
        assert_eq!(before.config, PathBuf::from("/etc/banner/banner.yaml"));
    }
}
