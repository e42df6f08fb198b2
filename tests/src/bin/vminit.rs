//! The first process of a virtual machine of `cargo xtask vm`: makes a system of what the initramfs
//! holds, runs the test programs, switches the machine off.
//!
//! What to do stands in `/vm`, one order a line, words separated by tabs:
//!
//!     env     NAME=VALUE
//!     module  FILE  PARAMETERS
//!     run     PROGRAM  ARGUMENTS…
//!
//! What it says, and what the tests print, goes to the second serial port, where the kernel's own
//! messages do not come between. Its own lines begin with `vm: `; the last one is `vm: done`, which
//! stands for nothing but that everything in `/vm` was carried out.

use std::{
    fs::{self, File, Permissions},
    io::Write as _,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::Path,
    process::{Command, ExitStatus, Stdio},
    time::Instant,
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::{
    errno::Errno,
    kmod::{ModuleInitFlags, finit_module},
    mount::{MsFlags, mount},
    sys::{
        reboot::{RebootMode, reboot},
        termios::{SetArg, cfmakeraw, tcgetattr, tcsetattr},
        utsname::uname,
        wait::{WaitStatus, wait},
    },
};

const ORDERS: &str = "/vm";
const REPORT: &str = "/dev/ttyS1";

/// Where the kernel's file systems go: type, place, options.
const MOUNTS: [(&str, &str, &str); 7] = [
    ("devtmpfs", "/dev", ""),
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("tmpfs", "/run", "mode=755"),
    ("tmpfs", "/dev/shm", "mode=1777"),
    ("cgroup2", "/sys/fs/cgroup", ""),
    ("bpf", "/sys/fs/bpf", "mode=0700"),
];

fn main() {
    assert_eq!(std::process::id(), 1, "only the kernel starts this program");
    if let Err(error) = run() {
        // On the console, too: the report may be what failed.
        eprintln!("vm: error: {error:#}");
        if let Ok(mut report) = File::options().write(true).open(REPORT) {
            let _the_console_has_it = writeln!(report, "vm: error: {error:#}");
        }
    }
    nix::unistd::sync();
    let error = reboot(RebootMode::RB_POWER_OFF).unwrap_err();
    panic!("the machine does not switch itself off: {error}");
}

fn run() -> Result<()> {
    for (kind, place, options) in MOUNTS {
        fs::create_dir_all(place).with_context(|| format!("make {place}"))?;
        mount(
            Some(kind),
            place,
            Some(kind),
            MsFlags::empty(),
            Some(options),
        )
        .with_context(|| format!("mount {kind} on {place}"))?;
    }
    // Not a mount: the programs under test may lie below it.
    fs::create_dir_all("/tmp")?;
    fs::set_permissions("/tmp", Permissions::from_mode(0o1777))
        .context("open /tmp to everybody")?;
    let mut report = report()?;
    writeln!(
        report,
        "vm: kernel {}",
        uname()?.release().to_string_lossy()
    )?;
    let orders = fs::read_to_string(ORDERS).with_context(|| format!("read {ORDERS}"))?;
    let mut settings = Vec::new();
    let mut network_is_up = false;
    for order in orders.lines() {
        let words: Vec<&str> = order.split('\t').collect();
        match words[..] {
            ["env", setting] => {
                settings.push(setting.split_once('=').context("a setting without =")?);
            }
            ["module", file, parameters] => load(file, parameters)?,
            ["run", program, ref arguments @ ..] => {
                if !network_is_up {
                    // After the modules, before the first test.
                    start(
                        Command::new("ip").args(["link", "set", "lo", "up"]),
                        &report,
                    )
                    .and_then(|(status, _)| {
                        ensure!(status.success(), "ip link set lo up: {status}");
                        Ok(())
                    })?;
                    network_is_up = true;
                }
                let mut command = Command::new(program);
                command
                    .args(arguments)
                    .env_clear()
                    .envs(settings.iter().copied());
                let name = Path::new(program).file_name().unwrap_or_default().display();
                writeln!(report, "vm: running {name}")?;
                let (status, seconds) = start(&mut command, &report)?;
                writeln!(report, "vm: {name} ended after {seconds} s: {status}")?;
            }
            _ => bail!("{ORDERS}: not an order: {order}"),
        }
    }
    writeln!(report, "vm: done")?;
    Ok(())
}

/// The second serial port, without the translations that a terminal makes.
fn report() -> Result<File> {
    let port = File::options()
        .read(true)
        .write(true)
        .open(REPORT)
        .with_context(|| format!("open {REPORT}"))?;
    let mut modes = tcgetattr(&port).with_context(|| format!("modes of {REPORT}"))?;
    cfmakeraw(&mut modes);
    tcsetattr(&port, SetArg::TCSANOW, &modes).with_context(|| format!("modes of {REPORT}"))?;
    Ok(port)
}

fn load(file: &str, parameters: &str) -> Result<()> {
    let module = File::open(file).with_context(|| format!("open {file}"))?;
    let parameters = std::ffi::CString::new(parameters)?;
    finit_module(&module, &parameters, ModuleInitFlags::empty())
        .with_context(|| format!("load {file}"))
}

/// Runs `command` to its end with its output in the report, and buries whatever dies meanwhile: the
/// first process inherits all orphans. Returns how it ended and after how many seconds.
fn start(command: &mut Command, report: &File) -> Result<(ExitStatus, u64)> {
    let begin = Instant::now();
    let name = command.get_program().display().to_string();
    let child = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(report.try_clone()?)
        .stderr(report.try_clone()?)
        .spawn()
        .with_context(|| format!("start {name}"))?;
    loop {
        let (pid, status) = match wait() {
            Ok(WaitStatus::Exited(pid, code)) => (pid, code << 8),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, signal as i32),
            Ok(_) | Err(Errno::EINTR) => continue,
            Err(error) => return Err(error).with_context(|| format!("wait for {name}")),
        };
        if u32::try_from(pid.as_raw()) == Ok(child.id()) {
            return Ok((ExitStatus::from_raw(status), begin.elapsed().as_secs()));
        }
    }
}
