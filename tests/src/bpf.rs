//! The BPF object without the agent: loaded, its maps filled, its programs test-run.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use aya::{
    Ebpf, EbpfLoader, TestRun as _, TestRunOptions,
    maps::PerCpuArray,
    programs::{Program, ProgramInfo, TestRunResult, Xdp, XdpMode, xdp::XdpLink},
};
use banner_common::{
    BANS4, BANS6, CLOCK_PROGRAM, COUNTERS, ClockReading, DEFAULT_MAX_BANS, LINEAR_PROGRAM, PROGRAM,
    Reason, TCX_PROGRAM, TRACE, Tally,
};

use crate::{kernel, require_root};

mod counters;
mod fill;

pub use counters::Counters;
pub use fill::{SUMMARY, scope_bit};

/// Name of the program of [`Object::foreign`]; as long as that of the one that it is made of.
pub const FOREIGN: &str = "others_linear";

/// The object at `$BANNER_BPF_OBJECT`, or else the committed one.
pub fn object() -> Result<(PathBuf, Vec<u8>)> {
    let path = env::var_os("BANNER_BPF_OBJECT").map_or_else(committed, PathBuf::from);
    let bytes = fs::read(&path).with_context(|| format!("read {}", path.display()))?;
    Ok((path, bytes))
}

/// Whether this kernel has XDP packets in several buffers, and so the program for them (5.18).
pub fn has_frags() -> Result<bool> {
    Ok(kernel::version()? >= (5, 18))
}

/// A loaded object of its own; the kernel drops it with this value.
#[derive(Debug)]
pub struct Object {
    ebpf: Ebpf,
    decides: &'static str,
}

impl Object {
    /// Loads the object at `$BANNER_BPF_OBJECT`, or else the committed one, and all its programs.
    pub fn load() -> Result<Self> {
        Self::load_with(DEFAULT_MAX_BANS, false)
    }

    /// The same with room for `bans` addresses in each family.
    pub fn load_with_room(bans: u32) -> Result<Self> {
        Self::load_with(bans, false)
    }

    /// The same with programs that log packets of the address `::`.
    pub fn load_tracing() -> Result<Self> {
        Self::load_with(DEFAULT_MAX_BANS, true)
    }

    fn load_with(bans: u32, trace: bool) -> Result<Self> {
        require_root()?;
        let (path, bytes) = object()?;
        let trace = u8::from(trace);
        let mut ebpf = EbpfLoader::new()
            .map_max_entries(BANS4, bans)
            .map_max_entries(BANS6, bans)
            .override_global(TRACE, &trace, true)
            .load(&bytes)
            .with_context(|| format!("load {}", path.display()))?;
        let frags = has_frags()?;
        for name in [PROGRAM, LINEAR_PROGRAM, CLOCK_PROGRAM, TCX_PROGRAM] {
            if name == PROGRAM && !frags {
                continue;
            }
            let program = ebpf
                .program_mut(name)
                .with_context(|| format!("no program {name} in {}", path.display()))?;
            let loaded = match program {
                Program::SchedClassifier(program) => program.load(),
                _ => <&mut Xdp>::try_from(program)?.load(),
            };
            loaded.with_context(|| format!("load program {name}"))?;
        }
        let decides = if frags { PROGRAM } else { LINEAR_PROGRAM };
        Ok(Self { ebpf, decides })
    }

    /// Name of the program that decides on this kernel.
    pub fn decides(&self) -> &'static str {
        self.decides
    }

    /// The deciding program alone, under the name [`FOREIGN`] and over maps of its own. As nobody is
    /// banned there, it passes everything, as somebody else's XDP program may.
    pub fn foreign() -> Result<Self> {
        require_root()?;
        let (path, mut bytes) = object()?;
        let name = format!("\0{LINEAR_PROGRAM}\0").into_bytes();
        let other = format!("\0{FOREIGN}\0").into_bytes();
        let mut found = 0;
        for at in 0..bytes.len().saturating_sub(name.len()) {
            if bytes[at..].starts_with(&name) {
                bytes[at..at + name.len()].copy_from_slice(&other);
                found += 1;
            }
        }
        ensure!(found > 0, "no {LINEAR_PROGRAM} in {}", path.display());
        let mut ebpf = Ebpf::load(&bytes).with_context(|| format!("load {}", path.display()))?;
        let program = ebpf.program_mut(FOREIGN);
        let program: &mut Xdp = program.context("it has another name")?.try_into()?;
        program.load().context("load the foreign program")?;
        Ok(Self {
            ebpf,
            decides: FOREIGN,
        })
    }

    /// The map named `name`.
    pub fn map(&self, name: &str) -> Result<&aya::maps::Map> {
        self.ebpf
            .map(name)
            .with_context(|| format!("no map {name}"))
    }

    /// The map named `name`, to be filled.
    pub fn map_mut(&mut self, name: &str) -> Result<&mut aya::maps::Map> {
        self.ebpf
            .map_mut(name)
            .with_context(|| format!("no map {name}"))
    }

    /// The kernel's word on every program that is loaded.
    pub fn infos(&self) -> Result<Vec<(&str, ProgramInfo)>> {
        let loaded = self
            .ebpf
            .programs()
            .filter(|(_, program)| program.fd().is_ok());
        loaded
            .map(|(name, program)| Ok((name, program.info()?)))
            .collect()
    }

    /// Names of all maps in the object.
    pub fn map_names(&self) -> Vec<&str> {
        self.ebpf.maps().map(|(name, _)| name).collect()
    }

    /// Runs the deciding program once on `frame` and returns its verdict.
    pub fn verdict(&self, frame: &[u8]) -> Result<u32> {
        self.run(self.decides, frame)
    }

    /// The program that decides.
    pub fn deciding(&self) -> Result<&Xdp> {
        Ok(self.program(self.decides)?.try_into()?)
    }

    /// Runs the program named `name` once on `frame` and returns its verdict.
    pub fn run(&self, name: &str, frame: &[u8]) -> Result<u32> {
        let options = TestRunOptions {
            data_in: Some(frame),
            ..TestRunOptions::new()
        };
        Ok(self.test_run(name, options)?.return_value)
    }

    /// Runs the deciding program `repeat` times on `frame` and returns its last verdict, and the time
    /// that one run took on average.
    pub fn repeat(&self, frame: &[u8], repeat: u32) -> Result<(u32, Duration)> {
        let options = TestRunOptions {
            data_in: Some(frame),
            repeat,
            ..TestRunOptions::new()
        };
        let result = self.test_run(self.decides, options)?;
        Ok((result.return_value, result.duration))
    }

    /// Runs the deciding program once on `frame`, of which no more than `first` bytes lie in the first
    /// buffer (kernel 6.18).
    pub fn run_split(&self, frame: &[u8], first: u32) -> Result<u32> {
        // `xdp_md` (include/uapi/linux/bpf.h): data, data_end and four words more.
        let mut context = [0; 24];
        context[4..8].copy_from_slice(&first.to_ne_bytes());
        let options = TestRunOptions {
            data_in: Some(frame),
            ctx_in: Some(&context),
            ..TestRunOptions::new()
        };
        Ok(self.test_run(PROGRAM, options)?.return_value)
    }

    fn test_run(&self, name: &str, options: TestRunOptions<'_>) -> Result<TestRunResult> {
        let program = self.program(name)?;
        let result = match program {
            Program::SchedClassifier(program) => program.test_run(options),
            _ => <&Xdp>::try_from(program)?.test_run(options),
        };
        Ok(result?)
    }

    /// Runs the clock program.
    pub fn clock(&self) -> Result<ClockReading> {
        let mut out = [0; 64];
        let options = TestRunOptions {
            data_in: Some(&[0; 64]),
            data_out: Some(&mut out),
            ..TestRunOptions::new()
        };
        self.test_run(CLOCK_PROGRAM, options)?;
        let reading = out.first_chunk().context("64 bytes hold a reading")?;
        Ok(ClockReading::from_bytes(*reading))
    }

    /// Attaches the deciding program to `interface` of the thread's network namespace, for as long
    /// as this value lives.
    pub fn attach(&mut self, interface: &str, mode: XdpMode) -> Result<()> {
        self.attach_program(self.decides, interface, mode)
    }

    /// Attaches the program named `name`. See [`Object::attach`].
    pub fn attach_program(&mut self, name: &str, interface: &str, mode: XdpMode) -> Result<()> {
        let program = self
            .ebpf
            .program_mut(name)
            .with_context(|| format!("no program {name}"))?;
        let program: &mut Xdp = program.try_into()?;
        program
            .attach(interface, mode)
            .with_context(|| format!("attach to {interface}"))?;
        Ok(())
    }

    /// Puts the deciding program in the place of the one that a link has, for as long as that lasts.
    pub fn attach_to_link(&mut self, link: XdpLink) -> Result<()> {
        let program = self.ebpf.program_mut(self.decides).context("it decides")?;
        let program: &mut Xdp = program.try_into()?;
        let id = program.attach_to_link(link)?;
        drop(program.take_link(id)?);
        Ok(())
    }

    /// Pins the deciding program.
    pub fn pin_program(&mut self, path: &Path) -> Result<()> {
        self.pin_named_program(self.decides, path)
    }

    /// Pins the program named `name`.
    pub fn pin_named_program(&mut self, name: &str, path: &Path) -> Result<()> {
        let program = self.ebpf.program_mut(name);
        program
            .with_context(|| format!("no program {name}"))?
            .pin(path)
            .with_context(|| format!("pin it at {}", path.display()))
    }

    fn program(&self, name: &str) -> Result<&Program> {
        self.ebpf
            .program(name)
            .with_context(|| format!("no program {name}"))
    }

    /// The counters.
    pub fn counters(&self) -> Result<Counters> {
        Counters::read(&PerCpuArray::try_from(self.map(COUNTERS)?)?)
    }

    /// Packets and bytes counted under `reason`, summed over the CPUs.
    pub fn counter(&self, reason: Reason) -> Result<(u64, u64)> {
        let map: PerCpuArray<_, [u8; Tally::SIZE]> = PerCpuArray::try_from(self.map(COUNTERS)?)?;
        let values = map.get(&(reason as u32), 0)?;
        let tallies = values.iter().map(|bytes| Tally::from_bytes(*bytes));
        Ok(tallies.fold((0, 0), |(packets, bytes), tally| {
            (packets + tally.packets, bytes + tally.bytes)
        }))
    }
}

/// The object that the repository holds.
pub fn committed() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../banner-userspace/src/enforce/xdp/banner.bpf.o")
}
