//! Named network namespaces, and work inside them.

use std::{
    fmt::Write as _,
    fs::File,
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream},
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, bail};
use nix::sched::{CloneFlags, setns};

use crate::kernel;

/// A network namespace with a name that is known in its lab only.
#[derive(Debug)]
pub struct Namespace {
    name: &'static str,
    file: File,
}

/// Takes the thread back to the network namespace that it came from.
struct Return {
    to: File,
}

impl Drop for Return {
    fn drop(&mut self) {
        // Going on in the wrong namespace would make every later result meaningless.
        setns(&self.to, CloneFlags::CLONE_NEWNET).expect("return to the network namespace");
    }
}

impl Namespace {
    /// Makes the namespace, silences what a kernel sends unasked, and brings `lo` up.
    pub fn add(name: &'static str) -> Result<Self> {
        ip(&["netns", "add", name], "")?;
        let path = Path::new("/run/netns").join(name);
        let file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
        let namespace = Self { name, file };
        // `default` before any interface exists, so that each one starts with these.
        for (key, value) in [
            ("net/ipv6/conf/default/accept_dad", "0"),
            ("net/ipv6/conf/default/accept_ra", "0"),
            ("net/ipv6/conf/default/addr_gen_mode", "1"),
            ("net/ipv6/conf/default/autoconf", "0"),
            ("net/ipv6/conf/default/keep_addr_on_down", "1"),
            ("net/ipv6/conf/default/router_solicitations", "0"),
        ] {
            namespace.sysctl(key, value)?;
        }
        namespace.ip("link set lo up")?;
        Ok(namespace)
    }

    /// The name, as `ip -n` takes it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs `work` with the thread in this namespace. What it opens stays in this namespace, and
    /// so do the processes that it starts; the mounts are the lab's.
    pub fn inside<T>(&self, work: impl FnOnce() -> T) -> Result<T> {
        let home = File::open("/proc/thread-self/ns/net").context("open the network namespace")?;
        setns(&self.file, CloneFlags::CLONE_NEWNET)
            .with_context(|| format!("enter namespace {}", self.name))?;
        let _return = Return { to: home };
        Ok(work())
    }

    /// Whether somebody listens at a TCP port here, on the loopback addresses of both families.
    pub fn listens(&self, port: u16) -> Result<bool> {
        let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        self.inside(|| {
            loopback
                .into_iter()
                .all(|address| TcpStream::connect((address, port)).is_ok())
        })
    }

    /// Runs lines of `ip` commands in this namespace.
    pub fn ip(&self, batch: &str) -> Result<()> {
        ip(&["-n", self.name, "-batch", "-"], batch)
    }

    /// Renames an interface that is up. A kernel before 6.2 (commit bd039b5ea2a9) renames only what
    /// is down: there it goes down and comes up again, with its addresses and neighbours.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let rename = format!("link set {from} name {to}\n");
        if kernel::has((6, 2), "an interface is renamed only while it is down")? {
            return self.ip(&rename);
        }
        let shown = self.run(&["neighbour", "show", "nud", "permanent", "dev", from])?;
        let mut batch = format!("link set {from} down\n{rename}link set {to} up\n");
        for neighbour in shown.lines() {
            let entry = neighbour.trim_end().trim_end_matches(" PERMANENT");
            writeln!(batch, "neighbour add {entry} nud permanent dev {to}")?;
        }
        self.ip(&batch)
    }

    /// Whether an XDP program is attached to `interface`, as `ip link` tells it.
    pub fn has_xdp(&self, interface: &str) -> Result<bool> {
        Ok(self.link(interface)?.contains("prog/xdp"))
    }

    /// The kernel's number of the XDP program on `interface`.
    pub fn xdp_id(&self, interface: &str) -> Result<Option<u32>> {
        let link = self.link(interface)?;
        let Some((_, program)) = link.split_once("prog/xdp id ") else {
            return Ok(None);
        };
        let id = program.split_whitespace().next().unwrap_or_default();
        Ok(Some(id.parse().context("number of the XDP program")?))
    }

    /// What `ip link` says of `interface`.
    fn link(&self, interface: &str) -> Result<String> {
        self.run(&["-details", "link", "show", "dev", interface])
    }

    /// What one `ip` command in this namespace prints.
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let output = Command::new("ip")
            .args(["-n", self.name])
            .args(arguments)
            .output()
            .context("run ip")?;
        if !output.status.success() {
            bail!(
                "ip {}: {}",
                arguments.join(" "),
                String::from_utf8_lossy(&output.stderr)
            );
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Sets the sysctl at `key`, a path below /proc/sys.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        let path = Path::new("/proc/sys").join(key);
        self.inside(|| std::fs::write(&path, value))?
            .with_context(|| format!("write {value} to {}", path.display()))
    }
}

fn ip(arguments: &[&str], input: &str) -> Result<()> {
    let mut child = Command::new("ip")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("start ip")?;
    // Dropped at once, so that ip sees the end of its input.
    child
        .stdin
        .take()
        .context("ip has no input")?
        .write_all(input.as_bytes())?;
    let output = child.wait_with_output().context("wait for ip")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "ip {}: {}: {said}{input}",
            arguments.join(" "),
            output.status
        );
    }
    Ok(())
}
