//! Running other programs: what is printed, what counts as failure, how root is reached.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};

/// Runs `command` with its output on the terminal, after a line that says what is run.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    eprintln!("+ {}", line(command));
    let status = command
        .status()
        .with_context(|| format!("starting {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Standard output of `command` without the last line end. What it says on standard error is part
/// of the error.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {}", line(command)))?;
    if !output.status.success() {
        bail!(
            "{} ended with {}: {}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    let text = String::from_utf8(output.stdout)
        .with_context(|| format!("reading the output of {}", line(command)))?;
    Ok(text.trim_end().to_owned())
}

/// A command line as one would type it, near enough to be understood.
pub(crate) fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The cargo that started this program.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Where `program` is: on `PATH`, or in the folders for the administrator's programs, which the
/// `PATH` of a user often lacks.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(program))
        .find(|candidate| candidate.is_file())
}

pub(crate) fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// A command that runs `program` as root: plain when this is root already, else through sudo.
/// `settings` are environment variables for it, given in a way that passes every sudo policy.
pub(crate) fn as_root<S: AsRef<OsStr>>(
    program: impl AsRef<OsStr>,
    settings: impl IntoIterator<Item = (S, S)>,
) -> Result<Command> {
    let program = program.as_ref();
    if is_root() {
        let mut command = Command::new(program);
        command.envs(settings);
        return Ok(command);
    }
    let Some(sudo) = find("sudo") else {
        bail!(
            "{} needs root: run this as root, or install sudo",
            Path::new(program).display()
        );
    };
    let mut command = Command::new(sudo);
    command.arg("env");
    for (name, value) in settings {
        let mut setting = name.as_ref().to_owned();
        setting.push("=");
        setting.push(value);
        command.arg(setting);
    }
    command.arg(program);
    Ok(command)
}

/// Takes away what the user's shell or a wrapper set for another build, so that the child builds as
/// its own command line says. Toolchain and package sources stay as they are.
pub(crate) fn without_build_settings(command: &mut Command) -> &mut Command {
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_build_setting) {
            command.env_remove(name);
        }
    }
    command
}

fn is_build_setting(name: &str) -> bool {
    let of_cargo = [
        "CARGO_BUILD_",
        "CARGO_PROFILE_",
        "CARGO_TARGET_",
        "CARGO_UNSTABLE_",
    ];
    let exact = [
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_INCREMENTAL",
        "RUSTC",
        "RUSTC_BOOTSTRAP",
        "RUSTC_WORKSPACE_WRAPPER",
        "RUSTC_WRAPPER",
        "RUSTFLAGS",
    ];
    exact.contains(&name) || of_cargo.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_quoted_where_a_shell_would_need_it() {
        let mut command = Command::new("cargo");
        command.args(["build", "--config", "profile.dev.panic=\"abort\"", ""]);
        assert_eq!(
            line(&command),
            "cargo build --config 'profile.dev.panic=\"abort\"' ''"
        );
    }

    #[test]
    fn settings_of_a_build_are_told_from_settings_of_the_registry() {
        for name in ["RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO"] {
            assert!(is_build_setting(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "CARGO_HTTP_PROXY",
            "PATH",
        ] {
            assert!(!is_build_setting(name), "{name}");
        }
    }

    #[test]
    fn the_error_of_a_failed_program_carries_what_it_said() {
        let error = read(Command::new("sh").args(["-c", "echo no such thing >&2; exit 3"]));
        let text = error.unwrap_err().to_string();
        assert!(
            text.contains("no such thing") && text.contains('3'),
            "{text}"
        );
    }
}
