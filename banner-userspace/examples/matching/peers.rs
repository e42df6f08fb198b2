//! Others on the same log.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use banner_userspace::{agent, filter::FilterSpec};
use nix::sys::resource::UsageWho;

use super::run::cpu_time;

/// What an address looks like to `rg`.
const ADDRESS: &str =
    r"\[?(?:[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?:[0-9A-Fa-f]{0,4}:){2,7}[0-9A-Fa-f]{0,4})\]?";

/// What a program took for a log, the best of several runs.
#[derive(Clone, Copy)]
pub(crate) struct Took {
    pub(crate) cpu: Duration,
    pub(crate) elapsed: Duration,
}

/// A text as a file that is gone when this is.
pub(crate) struct File(PathBuf);

impl File {
    pub(crate) fn new(name: &str, text: &str) -> Self {
        let name = format!("banner-matching-{}-{name}", std::process::id());
        let path = env::temp_dir().join(name);
        fs::write(&path, text).expect("room for a log in the folder for temporary files");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// `rg -c` with all failure expressions.
pub(crate) fn ripgrep(spec: &FilterSpec, log: &Path, rounds: usize) -> Option<Took> {
    let program = env::var_os("BANNER_RG").unwrap_or_else(|| "rg".into());
    let mut arguments: Vec<OsString> = ["-c", "--no-config", "--threads", "1"]
        .map(OsString::from)
        .into();
    for pattern in &spec.fail {
        let pattern = pattern.trim_start_matches('^').replace("<HOST>", ADDRESS);
        arguments.extend(["-e".into(), pattern.into()]);
    }
    arguments.push(log.into());
    // It ends with 1 where nothing matches.
    took("rg", &program, &arguments, &[], rounds, &[0, 1]).map(|(took, _)| took)
}

/// fail2ban-rs' dry run: what it reports of how many failures there were, and what it took.
pub(crate) fn fail2ban_rs(log: &Path, rounds: usize) -> Option<(Took, String)> {
    let program = env::var_os("BANNER_FAIL2BAN_RS").unwrap_or_else(|| "fail2ban-rs".into());
    // What `fail2ban-rs gen-config sshd` gives, with the numbers that banner has here.
    let config = format!(
        "[global]\n\n[jail.sshd]\nenabled = true\nlog_path = '{}'\ndate_format = \"syslog\"\nfilter = [\n\
         'sshd\\[\\d+\\]: Failed password for .* from <HOST> port \\d+',\n\
         'sshd\\[\\d+\\]: Invalid user .* from <HOST> port \\d+',\n\
         'sshd\\[\\d+\\]: Connection closed by authenticating user .* <HOST> port \\d+',\n\
         'sshd\\[\\d+\\]: Disconnected from authenticating user .* <HOST> port \\d+',\n]\n\
         port = [\"22\"]\nprotocol = \"tcp\"\nmax_retry = 5\nfind_time = \"1d\"\nban_time = \"1h\"\n\
         ignoreip = []\nignoreself = false\n",
        log.display()
    );
    let config = File::new("fail2ban-rs.toml", &config);
    let arguments = [
        "dry-run".into(),
        "--config".into(),
        config.path().into(),
        log.into(),
        "--jail".into(),
        "sshd".into(),
    ];
    let (took, said) = took("fail2ban-rs", &program, &arguments, &[], rounds, &[0])?;
    let count = said
        .lines()
        .find(|line| line.to_lowercase().contains("match") && !line.starts_with("Log file"))
        .unwrap_or("it does not say how many lines matched");
    Some((took, count.trim().into()))
}

/// fail2ban-regex with fail2ban's own filter for sshd.
pub(crate) fn fail2ban_regex(log: &Path, rounds: usize) -> Option<(Took, String)> {
    let Some(folder) = env::var_os("BANNER_FAIL2BAN").map(PathBuf::from) else {
        eprintln!("NOT COMPARED with fail2ban-regex: BANNER_FAIL2BAN names no unpacked package");
        return None;
    };
    let filter = folder.join("etc/fail2ban/filter.d/sshd.conf");
    let arguments = [
        folder.join("usr/bin/fail2ban-regex").into(),
        "--no-check-all".into(),
        log.into(),
        filter.into(),
    ];
    let library = folder.join("usr/lib/python3/dist-packages").into();
    let settings = [("PYTHONPATH", library)];
    let program = "python3".into();
    let (took, said) = took(
        "fail2ban-regex",
        &program,
        &arguments,
        &settings,
        rounds,
        &[0],
    )?;
    let count = said.lines().find(|line| line.starts_with("Lines:"));
    Some((took, count.unwrap_or("it does not say").into()))
}

fn took(
    name: &str,
    program: &OsString,
    arguments: &[OsString],
    settings: &[(&str, OsString)],
    rounds: usize,
    good: &[i32],
) -> Option<(Took, String)> {
    let mut best: Option<(Took, String)> = None;
    for _ in 0..rounds {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.envs(settings.iter().map(|(key, value)| (key, value)));
        let (cpu, start) = (cpu_time(UsageWho::RUSAGE_CHILDREN), agent::now().mono);
        let output = match command.output() {
            Ok(output) => output,
            Err(error) => {
                eprintln!("NOT COMPARED with {name}: {}: {error}", program.display());
                return None;
            }
        };
        let took = Took {
            cpu: cpu_time(UsageWho::RUSAGE_CHILDREN).saturating_sub(cpu),
            elapsed: agent::now().mono.since(start),
        };
        if !output
            .status
            .code()
            .is_some_and(|code| good.contains(&code))
        {
            let said = String::from_utf8_lossy(&output.stderr);
            eprintln!("NOT COMPARED with {name}: {}: {said}", output.status);
            return None;
        }
        if best.as_ref().is_none_or(|(best, _)| took.cpu < best.cpu) {
            best = Some((took, String::from_utf8_lossy(&output.stdout).into_owned()));
        }
    }
    best
}
