//! Who is told: real mail servers, a real HTTP server, real programs.

mod agent;
mod by_hand;

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use banner_tests::{
    lab::Lab,
    netns::Namespace,
    process::Process,
    wait::{PATIENCE, wait_for},
};
use serde_json::Value;

/// Debian's, which finds Debian's aiosmtpd.
const PYTHON: &str = "/usr/bin/python3";

/// Starts one of the servers beside this file and waits until it listens.
fn serve(
    lab: &Lab,
    namespace: &Namespace,
    script: (&str, &str),
    arguments: &[&str],
) -> Result<Process> {
    let (name, text) = script;
    let path = lab.dir().join(name);
    fs::write(&path, text)?;
    let mut command = Command::new(PYTHON);
    command.arg(&path).args(arguments);
    let label = format!("{name}-{}", arguments[0]);
    let mut process = namespace.inside(|| lab.spawn(&label, &mut command))??;
    process.wait_for_line("its port", PATIENCE, |line| line == "listening")?;
    Ok(process)
}

/// A mail server.
fn smtp(lab: &Lab, namespace: &Namespace, port: u16, mode: &str) -> Result<(Process, PathBuf)> {
    let told = lab.dir().join(format!("mail-{port}.json"));
    let (port, output) = (port.to_string(), told.display().to_string());
    let mut arguments = vec![&*port, mode, &output];
    if !["plain", "busy", "hang"].contains(&mode) {
        arguments.extend([CERTIFICATE, KEY]);
    }
    let script = ("smtp.py", include_str!("smtp.py"));
    Ok((serve(lab, namespace, script, &arguments)?, told))
}

/// A webhook; it fails so many times first.
fn hook(
    lab: &Lab,
    namespace: &Namespace,
    port: u16,
    failures: u32,
    tls: bool,
) -> Result<(Process, PathBuf)> {
    let told = lab.dir().join(format!("hook-{port}.json"));
    let (port, output) = (port.to_string(), told.display().to_string());
    let failures = failures.to_string();
    let mut arguments = vec![&*port, "k3y", &output, &failures];
    if tls {
        arguments.extend([CERTIFICATE, KEY]);
    }
    let script = ("hook.py", include_str!("hook.py"));
    Ok((serve(lab, namespace, script, &arguments)?, told))
}

const CERTIFICATE: &str = "/run/lab/server.pem";
const KEY: &str = "/run/lab/server.key";

/// Makes a certificate for 127.0.0.1 that nobody trusts who is not told to.
fn certify(lab: &Lab) -> Result<()> {
    let mut command = Command::new("openssl");
    command.args(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1 \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE"
            .split_whitespace(),
    );
    command.args(["-keyout", KEY, "-out", CERTIFICATE]);
    lab.run("openssl", &mut command)?.succeeded()?;
    Ok(())
}

/// A program from text.
fn program(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// A file with a secret.
fn secret(lab: &Lab, name: &str, text: &str) -> Result<PathBuf> {
    let path = lab.dir().join(name);
    fs::write(&path, text)?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
    Ok(path)
}

/// What was told so far: a JSON value for each message.
fn told(file: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let complete = text.rsplit_once('\n').map_or("", |(lines, _)| lines);
    let lines = complete.lines().map(serde_json::from_str);
    lines
        .collect::<Result<_, _>>()
        .with_context(|| format!("read {}", file.display()))
}

/// Waits for the first message for which `wanted` holds.
fn wait_for_told(file: &Path, what: &str, wanted: impl Fn(&Value) -> bool) -> Result<Value> {
    wait_for(what, PATIENCE, || {
        Ok(told(file)?.into_iter().find(|message| wanted(message)))
    })
}

/// The value of a header; fails when there is not exactly one.
fn header(mail: &Value, name: &str) -> Result<String> {
    let headers = mail["headers"].as_array().context("headers")?;
    let mut values = headers.iter().filter(|header| header[0] == name);
    let value = values.next().and_then(|header| header[1].as_str());
    ensure!(values.next().is_none(), "{name} twice: {mail}");
    Ok(value
        .with_context(|| format!("no {name}: {mail}"))?
        .to_owned())
}

/// A text of a message.
fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}
