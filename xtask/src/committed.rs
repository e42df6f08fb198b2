//! The eBPF objects that are committed, and what each is made of.

use std::path::PathBuf;

use crate::places;

/// An eBPF object in the repository; its record lies beside it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Committed {
    /// The program of `banner-ebpf` that it is.
    pub(crate) program: &'static str,
    /// Its place in the workspace.
    file: &'static str,
    /// Files and folders of the workspace that decide its bytes.
    pub(crate) sources: &'static [&'static str],
    /// A folder in those that has no part in it.
    pub(crate) except: Option<&'static str>,
    /// The kernel tests that show what it does: what their names contain.
    pub(crate) tests: &'static str,
    /// The setting that makes these tests take another object.
    pub(crate) setting: &'static str,
}

impl Committed {
    /// Every one of them.
    pub(crate) const ALL: [Self; 2] = [Self::AGENTS, Self::BENCH];

    /// What the agent embeds.
    pub(crate) const AGENTS: Self = Self {
        program: "banner",
        file: "banner-userspace/src/enforce/xdp/banner.bpf.o",
        sources: &[
            "banner-common/Cargo.toml",
            "banner-common/src",
            "banner-ebpf/Cargo.toml",
            "banner-ebpf/src",
        ],
        except: Some("banner-ebpf/src/bench"),
        tests: "verdict",
        setting: "BANNER_BPF_OBJECT",
    };

    /// What the bench compares it with.
    pub(crate) const BENCH: Self = Self {
        program: "bench",
        file: "tests/bpf/bench.bpf.o",
        sources: &["banner-ebpf/Cargo.toml", "banner-ebpf/src/bench"],
        except: None,
        tests: "bench",
        setting: "BANNER_BENCH_OBJECT",
    };

    pub(crate) fn path(&self) -> PathBuf {
        places::workspace().join(self.file)
    }
}
