//! A private place for one test: mounts, network, processes.
//!
//! Everything that a test makes hangs on the thread that it runs in, or on a pipe that only this
//! process holds, so the kernel takes it all back even when the test process dies by SIGKILL:
//! mounts (and with them named namespaces, pinned maps and links, all files of the test) go with
//! the last process of the mount namespace, and the processes go with the first process of their
//! PID namespace, which ends when the pipe closes.

use std::{
    cell::Cell,
    fs,
    panic::{self, AssertUnwindSafe},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
};

use anyhow::{Context as _, Result, anyhow};
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

use crate::{
    process::{Finished, Process},
    require_root,
    wait::{PATIENCE, wait_until},
};

/// Where the files of the test are. The same in every lab, and in each one its own.
const DIR: &str = "/run/lab";
const LOGS: &str = "/run/lab/log";
const BPFFS: &str = "/run/bpf";
const PROGRAMS: &str = "/run/programs";

/// How many lines of each output are shown when a test fails.
const SHOWN_LINES: usize = 150;

/// The private place. All paths hold within the lab's own thread and its children only.
#[derive(Debug)]
pub struct Lab {
    init: Child,
    started: Cell<u32>,
}

/// Runs `test` in a thread and a lab of its own. When it fails, shows what its processes printed.
///
/// `test` cannot start threads: the kernel refuses that to a thread whose children go to another
/// PID namespace.
pub fn run<T: Send>(test: impl FnOnce(&Lab) -> Result<T> + Send) -> Result<T> {
    require_root()?;
    let in_lab = || {
        let lab = Lab::enter()?;
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| test(&lab)));
        if !matches!(outcome, Ok(Ok(_))) {
            show_outputs();
        }
        drop(lab);
        outcome.unwrap_or_else(|payload| panic::resume_unwind(payload))
    };
    thread::scope(|scope| {
        let thread = scope.spawn(in_lab);
        thread
            .join()
            .unwrap_or_else(|payload| panic::resume_unwind(payload))
    })
}

impl Lab {
    fn enter() -> Result<Self> {
        // The network namespace stays empty: whatever forgets to enter a named one meets no
        // interface, rather than the machine's.
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID)
            .context("unshare mounts, network and processes")?;
        mount(
            None::<&str>,
            "/",
            None::<&str>,
            MsFlags::MS_REC | MsFlags::MS_PRIVATE,
            None::<&str>,
        )
        .context("make the mounts private")?;
        // Over all of /run: a place for named namespaces, sshd's /run/sshd, and the test's files.
        // Over /var/log: login records of the daemons under test are none of the machine's.
        for over in ["/run", "/var/log"] {
            mount(
                Some("lab"),
                over,
                Some("tmpfs"),
                MsFlags::empty(),
                Some("mode=755"),
            )
            .with_context(|| format!("mount a tmpfs over {over}"))?;
        }
        for dir in ["/run/netns", BPFFS, DIR, LOGS] {
            fs::create_dir(dir).with_context(|| format!("make {dir}"))?;
        }
        mount(
            Some("bpf"),
            BPFFS,
            Some("bpf"),
            MsFlags::empty(),
            None::<&str>,
        )
        .context("mount a bpffs")?;
        // The first process of the PID namespace. `cat` ends when its input does: when this
        // process drops its end of the pipe or dies. The kernel then kills the rest.
        let init = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("start the first process of the PID namespace")?;
        Ok(Self {
            init,
            started: Cell::new(0),
        })
    }

    /// A folder for the files of the test, on a tmpfs.
    pub fn dir(&self) -> &'static Path {
        Path::new(DIR)
    }

    /// A folder on a BPF file system.
    pub fn bpffs(&self) -> &'static Path {
        Path::new(BPFFS)
    }

    /// A file whose content is shown when the test fails.
    pub fn log(&self, name: &str) -> PathBuf {
        Path::new(LOGS).join(name)
    }

    /// Starts `command` in the thread's network namespace, without input. `name` labels its output.
    pub fn spawn(&self, name: &str, command: &mut Command) -> Result<Process> {
        Process::spawn(self.output_stem(name), command.stdin(Stdio::null()))
    }

    /// Starts `command` with a pipe to its input. See [`Lab::spawn`].
    pub fn spawn_with_input(&self, name: &str, command: &mut Command) -> Result<Process> {
        Process::spawn(self.output_stem(name), command.stdin(Stdio::piped()))
    }

    /// Runs `command` to its end, which must come within [`PATIENCE`]; any exit status will do.
    pub fn run(&self, name: &str, command: &mut Command) -> Result<Finished> {
        self.spawn(name, command)?.finish(PATIENCE)
    }

    /// Binds a copy of the file `path` over it, for this lab only, and returns the copy's path.
    pub fn replace(&self, path: &str) -> Result<PathBuf> {
        let name = Path::new(path).file_name().context("a file has a name")?;
        let copy = self.dir().join(name);
        fs::copy(path, &copy).with_context(|| format!("copy {path}"))?;
        bind(&copy, Path::new(path))?;
        Ok(copy)
    }

    /// Makes the program at `path` reachable for users who may not enter the folders on the way to
    /// it, and returns where it is now.
    pub fn expose(&self, path: &Path) -> Result<PathBuf> {
        let name = path.file_name().context("a program has a name")?;
        let dir = Path::new(PROGRAMS);
        fs::create_dir_all(dir).with_context(|| format!("make {PROGRAMS}"))?;
        let exposed = dir.join(name);
        if !exposed.exists() {
            fs::write(&exposed, "").with_context(|| format!("make {}", exposed.display()))?;
            bind(path, &exposed)?;
        }
        Ok(exposed)
    }

    fn output_stem(&self, name: &str) -> PathBuf {
        let number = self.started.get();
        self.started.set(number + 1);
        self.log(&format!("{number:03}-{name}"))
    }
}

fn bind(from: &Path, over: &Path) -> Result<()> {
    let none = None::<&str>;
    mount(Some(from), over, none, MsFlags::MS_BIND, none)
        .with_context(|| format!("bind {} over {}", from.display(), over.display()))
}

impl Drop for Lab {
    fn drop(&mut self) {
        drop(self.init.stdin.take());
        // Ends only when every other process of the namespace is gone, and those that the test
        // started only when it has waited for them, as `Process` does when dropped.
        let ended = wait_until("the lab's processes to end", PATIENCE, || {
            self.init
                .try_wait()
                .map(|status| status.is_some())
                .map_err(|error| anyhow!(error))
        });
        if let Err(error) = ended {
            eprintln!("{error:#}");
        }
    }
}

fn show_outputs() {
    let Ok(entries) = fs::read_dir(LOGS) else {
        return;
    };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        let bytes = fs::read(&path).unwrap_or_default();
        if bytes.is_empty() {
            continue;
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        let skipped = lines.len().saturating_sub(SHOWN_LINES);
        eprintln!("---- {} ({skipped} lines left out)", path.display());
        for line in &lines[skipped..] {
            eprintln!("{}", line.escape_debug());
        }
    }
}
