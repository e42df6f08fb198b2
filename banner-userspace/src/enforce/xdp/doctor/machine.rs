//! The kernel, and what this process may do with it.

use std::{fs, io, path::Path};

use aya::{
    Ebpf, EbpfLoader,
    maps::MapType,
    programs::{ProgramError, ProgramType, SchedClassifier, TcAttachType},
    sys::{BpfHelper, is_helper_supported, is_map_supported, is_program_supported},
};
use banner_common::{LINEAR_PROGRAM, PROGRAM};
use nix::sys::{
    resource::{Resource, getrlimit},
    statfs::{BPF_FS_MAGIC, statfs},
};
use serde::Serialize;

use super::super::{XdpError, kernel, object};

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What.
    pub what: &'static str,
    /// How it is.
    pub finding: Finding,
    /// In words.
    pub detail: String,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Finding {
    /// As it should be.
    Good,
    /// It works without.
    Limit,
    /// It does not work without.
    Missing,
    /// It could not be found out.
    Unknown,
}

const TCX: &str = "tcx";

impl Check {
    fn new(what: &'static str, finding: Finding, detail: impl Into<String>) -> Self {
        Self {
            what,
            finding,
            detail: detail.into(),
        }
    }

    /// Whether it says that the kernel has tcx.
    pub(super) fn is_tcx(&self) -> bool {
        self.what == TCX && self.finding == Finding::Good
    }
}

pub(super) struct Machine {
    pub(super) kernel: String,
    pub(super) checks: Vec<Check>,
}

pub(super) fn look(pin_dir: &Path) -> Machine {
    let release = kernel::release();
    let mut checks = vec![
        version(&release),
        capabilities(),
        bpffs(pin_dir),
        memlock(&release),
    ];
    checks.extend(features());
    checks.push(trial());
    checks.push(btf());
    Machine {
        kernel: release,
        checks,
    }
}

fn version(release: &str) -> Check {
    match kernel::missing(release) {
        Some(missing) => Check::new("kernel", Finding::Missing, format!("{release}: {missing}")),
        None => Check::new(
            "kernel",
            Finding::Good,
            format!("{release}; 5.9 is the least that will do"),
        ),
    }
}

fn capabilities() -> Check {
    let what = "capabilities";
    match kernel::privileges() {
        Some(missing) => Check::new(
            what,
            Finding::Missing,
            format!("{missing} missing for this process; as root all of this can be looked at"),
        ),
        None => Check::new(what, Finding::Good, "CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON"),
    }
}

fn bpffs(pin_dir: &Path) -> Check {
    let what = "BPF file system";
    let ground = pin_dir.ancestors().find(|path| path.exists());
    let ground = ground.unwrap_or(Path::new("/"));
    let dir = pin_dir.display();
    match statfs(ground) {
        Ok(fs) if fs.filesystem_type() == BPF_FS_MAGIC => {
            Check::new(what, Finding::Good, format!("{dir} is on one"))
        }
        Ok(_) if ground == Path::new("/sys/fs/bpf") => Check::new(
            what,
            Finding::Good,
            format!("none at {} yet; the agent mounts it", ground.display()),
        ),
        Ok(_) => Check::new(
            what,
            Finding::Missing,
            format!("{dir} is not on one: mount -t bpf bpf DIR, and give a --pin-dir below it"),
        ),
        Err(error) => {
            let error = io::Error::from(error);
            Check::new(
                what,
                Finding::Unknown,
                format!("{}: {error}", ground.display()),
            )
        }
    }
}

/// Until 5.11 maps were charged to `RLIMIT_MEMLOCK`, not to the memory cgroup.
fn memlock(release: &str) -> Check {
    let what = "locked memory";
    if kernel::version(release).is_none_or(|version| version >= (5, 11)) {
        return Check::new(what, Finding::Good, "maps are charged to the memory cgroup");
    }
    match getrlimit(Resource::RLIMIT_MEMLOCK) {
        Ok((soft, _)) if soft == u64::MAX => Check::new(what, Finding::Good, "unlimited"),
        Ok((soft, _)) => Check::new(
            what,
            Finding::Limit,
            format!("{soft} bytes, and maps are charged to it before 5.11: ulimit -l unlimited"),
        ),
        Err(error) => Check::new(what, Finding::Unknown, io::Error::from(error).to_string()),
    }
}

/// What an answer to a probe comes to; without privilege there is none.
fn probed(
    what: &'static str,
    answer: Result<bool, String>,
    otherwise: Finding,
    good: &str,
    bad: &str,
) -> Check {
    match answer {
        Ok(true) => Check::new(what, Finding::Good, good),
        Ok(false) => Check::new(what, otherwise, bad),
        Err(error) => Check::new(what, Finding::Unknown, error),
    }
}

/// An error with the cause that the kernel gave.
fn told(error: &impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.extend([": ", &cause_text]);
        }
        source = cause.source();
    }
    text
}

fn features() -> Vec<Check> {
    let program = |kind| is_program_supported(kind).map_err(|error| told(&error));
    let map = |kind| is_map_supported(kind).map_err(|error| told(&error));
    let helper = |helper| is_helper_supported(ProgramType::Xdp, helper).map_err(|e| told(&e));
    let maps = [MapType::Hash, MapType::LpmTrie, MapType::PerCpuArray];
    let maps = maps
        .into_iter()
        .try_fold(true, |all, kind| Ok(all && map(kind)?));
    let symbols = fs::read_to_string("/proc/kallsyms");
    let symbol = |name: &str| match &symbols {
        Ok(symbols) if !symbols.is_empty() => Ok(has_symbol(symbols, name)),
        Ok(_) => Err("the kernel shows no symbols (/proc/kallsyms is empty)".to_owned()),
        Err(error) => Err(format!("/proc/kallsyms: {error}")),
    };
    vec![
        probed(
            "XDP programs",
            program(ProgramType::Xdp),
            Finding::Missing,
            "can be loaded",
            "this kernel has none (CONFIG_BPF_SYSCALL, CONFIG_NET)",
        ),
        probed(
            "XDP links",
            symbol("bpf_xdp_link_attach"),
            Finding::Missing,
            "keep a program attached without the agent",
            "came with 5.9; without them bans would end with the agent",
        ),
        probed(
            "maps",
            maps,
            Finding::Missing,
            "hash, prefix trie, counters",
            "some are missing",
        ),
        probed(
            "clock",
            helper(BpfHelper::BPF_FUNC_jiffies64),
            Finding::Missing,
            "bpf_jiffies64",
            "bpf_jiffies64 came with 5.5",
        ),
        probed(
            "batch operations",
            symbol("generic_map_lookup_batch"),
            Finding::Limit,
            "many bans in one system call",
            "came with 5.6; bans are set and read one by one",
        ),
        probed(
            "ring buffer",
            map(MapType::RingBuf),
            Finding::Limit,
            "for banner trace",
            "came with 5.8; no banner trace",
        ),
        probed(
            "multi-buffer XDP",
            helper(BpfHelper::BPF_FUNC_xdp_get_buff_len),
            Finding::Limit,
            "frames longer than a page, where the driver has it",
            "came with 5.18; natively only where the MTU fits into a page",
        ),
        tcx(),
    ]
}

/// Asks what is attached to loopback there: a question changes nothing.
fn tcx() -> Check {
    let answer = match SchedClassifier::query_tcx("lo", TcAttachType::Ingress) {
        Ok(_) => Ok(true),
        Err(ProgramError::SyscallError(error)) if is(&error.io_error, nix::libc::EINVAL) => {
            Ok(false)
        }
        Err(error) => Err(told(&error)),
    };
    probed(
        TCX,
        answer,
        Finding::Limit,
        "where another XDP program holds the slot",
        "came with 6.6; where another XDP program holds the slot nothing can be done",
    )
}

fn is(error: &io::Error, code: i32) -> bool {
    error.raw_os_error() == Some(code)
}

/// `ffffffff81c0d2e0 T bpf_xdp_link_attach`, and `[MODULE]` behind.
fn has_symbol(symbols: &str, name: &str) -> bool {
    let mut lines = symbols.lines();
    lines.any(|line| line.split_ascii_whitespace().nth(2) == Some(name))
}

/// Loads the programs, with maps of their own that go again at once, and attaches nothing.
fn trial() -> Check {
    let what = "banner's programs";
    let load = || -> Result<Vec<String>, XdpError> {
        let mut object: Ebpf = {
            let mut loader = EbpfLoader::new();
            loader.btf(None);
            for map in [banner_common::BANS4, banner_common::BANS6] {
                loader.map_max_entries(map, 1);
            }
            loader.load(object::OBJECT)?
        };
        let mut words = Vec::new();
        let mut loaded = object::program(&mut object, PROGRAM)?.load();
        let name = if loaded.is_ok() {
            PROGRAM
        } else {
            loaded = object::program(&mut object, LINEAR_PROGRAM)?.load();
            words.push("packets in one buffer only".into());
            LINEAR_PROGRAM
        };
        loaded?;
        let info = object::program(&mut object, name)?.info()?;
        if let Some(count) = info.verified_instruction_count() {
            words.push(format!("{count} instructions verified"));
        }
        words.push(match info.size_jitted() {
            0 => "NOT compiled: JIT is off (sysctl net.core.bpf_jit_enable=1)".into(),
            bytes => format!("compiled to {bytes} bytes"),
        });
        Ok(words)
    };
    match load() {
        Ok(words) => {
            let slow = words.iter().any(|word| word.starts_with("NOT"));
            let finding = if slow { Finding::Limit } else { Finding::Good };
            Check::new(
                what,
                finding,
                format!("the verifier takes them; {}", words.join(", ")),
            )
        }
        Err(_) if kernel::privileges().is_some() => Check::new(
            what,
            Finding::Unknown,
            "cannot be tried without the capabilities",
        ),
        Err(error) => Check::new(what, Finding::Missing, told(&error)),
    }
}

fn btf() -> Check {
    let what = "type information (BTF)";
    if Path::new("/sys/kernel/btf/vmlinux").exists() {
        Check::new(what, Finding::Good, "there; banner does not need it")
    } else {
        Check::new(what, Finding::Good, "none; banner does not need it")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbols_are_found_by_their_whole_name() {
        let symbols = "0 T tcx_link_attach_not\n0 t bpf_xdp_link_attach\n0 T x [tun]\n";
        assert!(has_symbol(symbols, "bpf_xdp_link_attach"));
        assert!(has_symbol(symbols, "x"));
        assert!(!has_symbol(symbols, "tcx_link_attach"));
        assert!(!has_symbol("", "x"));
    }

    #[test]
    fn what_cannot_be_probed_is_unknown_and_no_limit() {
        let check = |answer| probed("x", answer, Finding::Limit, "good", "bad");
        assert_eq!(check(Ok(true)).finding, Finding::Good);
        assert_eq!(check(Ok(false)).detail, "bad");
        assert_eq!(check(Err("no".into())).finding, Finding::Unknown);
    }

    #[test]
    fn an_old_kernel_is_refused_and_its_locked_memory_looked_at() {
        assert_eq!(version("5.4.0").finding, Finding::Missing);
        assert_eq!(version("6.1.0-18-amd64").finding, Finding::Good);
        assert_eq!(
            memlock("6.1.0").detail,
            "maps are charged to the memory cgroup"
        );
        assert!(!memlock("5.10.0").detail.contains("cgroup"));
    }
}
