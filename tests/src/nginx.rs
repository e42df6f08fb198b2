//! nginx with basic authentication, and a client of it.

use std::{
    env, fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    account::{Login, PASSWORD, USER},
    lab::Lab,
    netns::Namespace,
    process::Process,
    wait::{PATIENCE, wait_until},
};

/// Where distributions have nginx log what goes wrong.
const LOG: &str = "/var/log/nginx/error.log";

/// The two pairs of name and password that are sent, in the base64 of RFC 7617.
const RIGHT: &str = "dGVzdGVyOmNvcnJlY3QtaG9yc2UtYmF0dGVyeQ==";
const WRONG: &str = "dGVzdGVyOndyb25n";

/// Starts it in `server`, on all addresses at `port`, and waits until it listens. It logs where
/// distributions have it log, which in a lab is nobody else's.
pub fn start(lab: &Lab, server: &Namespace, port: u16) -> Result<Process> {
    let program = env::var_os("BANNER_NGINX").map_or("/usr/sbin/nginx".into(), PathBuf::from);
    ensure!(
        program.exists(),
        "no nginx at {}: `cargo xtask setup tests` unpacks it, $BANNER_NGINX says where it is",
        program.display()
    );
    let dir = lab.dir().join("nginx");
    let site = dir.join("site");
    fs::create_dir_all(&site).with_context(|| format!("make {}", site.display()))?;
    fs::create_dir_all("/var/log/nginx").context("make nginx's folder of logs")?;
    fs::write(site.join("index.html"), "welcome\n")?;
    fs::write(dir.join("users"), format!("{USER}:{{PLAIN}}{PASSWORD}\n"))?;
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {}/{kind};\n", dir.display()))
        .concat();
    let config = dir.join("nginx.conf");
    fs::write(
        &config,
        format!(
            "daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {LOG};\n\
             events {{ worker_connections 64; }}\n\
             http {{\naccess_log off;\n{temporary}\
             server {{ listen {port}; listen [::]:{port}; root {0}/site;\n\
             auth_basic lab; auth_basic_user_file {0}/users; }}\n}}\n",
            dir.display()
        ),
    )?;
    let mut command = Command::new(&program);
    command.arg("-c").arg(&config).arg("-p").arg(&dir);
    command.args(["-e", LOG]);
    let mut process = server.inside(|| lab.spawn("nginx", &mut command))??;
    wait_until("nginx to listen", PATIENCE, || {
        if let Some(status) = process.ended()? {
            let log = fs::read_to_string(LOG).unwrap_or_default();
            bail!("nginx ended ({status}): {}{log}", process.stderr()?);
        }
        server.listens(port)
    })?;
    Ok(process)
}

/// Asks for a page with the right password, or with a wrong one.
pub fn try_login(from: &Namespace, server: SocketAddr, right: bool) -> Result<Login> {
    let mut stream = from
        .inside(|| TcpStream::connect_timeout(&server, PATIENCE))?
        .with_context(|| format!("connect to nginx from {}", from.name()))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let pair = if right { RIGHT } else { WRONG };
    write!(
        stream,
        "GET / HTTP/1.1\r\nHost: lab\r\nConnection: close\r\nAuthorization: Basic {pair}\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream
        .read_to_string(&mut answer)
        .context("read nginx's answer")?;
    match answer.split(' ').nth(1) {
        Some("200") if answer.ends_with("welcome\n") => Ok(Login::Accepted),
        Some("401") => Ok(Login::Refused),
        _ => bail!("nginx answered {answer:?}"),
    }
}
