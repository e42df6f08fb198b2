//! What the programs cost to load and to run, in instructions.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use aya::programs::ProgramInfo;
use banner_common::{CLOCK_PROGRAM, LINEAR_PROGRAM, PROGRAM, TCX_PROGRAM};
use banner_tests::{
    bpf::{self, Object},
    kernel,
};

/// What a program may cost. Not what it does, but what it may grow to: loading is most of what a
/// start takes, and each interface has its program loaded.
struct Budget {
    program: &'static str,
    /// Instructions that the verifier may look at before it accepts it.
    verified: u32,
    /// Instructions that may be left of it then.
    left: u32,
    /// Bytes of machine code that may come of these, on x86-64: what competes for the instruction
    /// cache.
    jited: u32,
}

const fn decides(program: &'static str) -> Budget {
    Budget {
        program,
        verified: 36_000,
        left: 2_000,
        jited: 10_000,
    }
}

const BUDGETS: [Budget; 4] = [
    decides(PROGRAM),
    decides(LINEAR_PROGRAM),
    decides(TCX_PROGRAM),
    Budget {
        program: CLOCK_PROGRAM,
        verified: 100,
        left: 100,
        jited: 500,
    },
];

/// What was left of each program of the committed object when it was last looked at, by their names, on
/// the kernel of [`SNAPSHOT_ON`].
///
/// Where a change of the program is meant, run the test: it prints what there is now. Write that here,
/// and say in the commit what the instructions are for.
const SNAPSHOT: [(&str, u32); 4] = [
    (PROGRAM, 1908),
    (CLOCK_PROGRAM, 55),
    (LINEAR_PROGRAM, 1893),
    (TCX_PROGRAM, 1909),
];

/// How many instructions a helper or a map becomes is the kernel's own business.
const SNAPSHOT_ON: kernel::Version = (6, 18);

/// Instructions that the verifier may look at before it accepts a program that traces. Kernels before
/// 6.8 look at them for each program, also where nothing is traced, and 6.1 at more of them.
const VERIFIED_TRACING: u32 = 49_000;

/// Less than this is not what tracing takes: the switch is stuck.
const LEAST_OF_TRACING: u32 = 100;

fn infos(object: &Object) -> Result<Vec<(&str, ProgramInfo)>> {
    let mut infos = object.infos()?;
    infos.sort_unstable_by_key(|(name, _)| *name);
    // All of them, but for the one that older kernels cannot load.
    let wanted = BUDGETS.len() - usize::from(object.decides() != PROGRAM);
    ensure!(infos.len() == wanted, "{} programs", infos.len());
    Ok(infos)
}

/// Whether the kernel leaves out global functions that nothing calls (2afae08c9dcb "bpf: Validate global
/// subprogs lazily"). Else what traces is verified and translated with each program, and never called.
fn verifies_lazily() -> Result<bool> {
    kernel::has(
        (6, 8),
        "what traces is loaded with the program, and not called",
    )
}

fn left(name: &str, info: &ProgramInfo) -> Result<u32> {
    let bytes = info.size_translated();
    Ok(bytes.with_context(|| format!("size of {name}"))? / 8)
}

#[test]
fn programs_stay_within_their_budgets() -> Result<()> {
    let object = Object::load()?;
    let lazy = verifies_lazily()?;
    for (name, info) in infos(&object)? {
        let budget = BUDGETS.iter().find(|budget| budget.program == name);
        let budget = budget.with_context(|| format!("no budget for {name}"))?;
        let (left, jited) = (left(name, &info)?, info.size_jitted());
        println!("{name}: {left} instructions, {jited} bytes of code");
        if !lazy {
            let verified = info.verified_instruction_count().unwrap_or(0);
            println!("{name}: verified in {verified}");
            ensure!(verified <= VERIFIED_TRACING, "{name}: {verified}");
            continue;
        }
        ensure!(left <= budget.left, "{name}: {left} instructions");
        if cfg!(target_arch = "x86_64") {
            ensure!(jited > 0, "{name} is interpreted");
            ensure!(jited <= budget.jited, "{name}: {jited} bytes of code");
        }
        // Kernels before 5.16 do not say how many they looked at.
        if let Some(verified) = info.verified_instruction_count() {
            println!("{name}: verified in {verified}");
            ensure!(
                verified <= budget.verified,
                "{name}: verified in {verified}"
            );
        }
    }
    Ok(())
}

#[test]
fn programs_are_as_long_as_they_were() -> Result<()> {
    if kernel::version()? != SNAPSHOT_ON {
        let (major, minor) = SNAPSHOT_ON;
        println!("DIFFERS: lengths of programs are compared on kernel {major}.{minor} only");
        return Ok(());
    }
    if bpf::object()?.0 != bpf::committed() {
        println!("not compared: another toolchain's object need not be as long");
        return Ok(());
    }
    let object = Object::load()?;
    let mut found = Vec::new();
    for (name, info) in infos(&object)? {
        found.push((name, left(name, &info)?));
    }
    ensure!(
        found == SNAPSHOT,
        "instructions are {found:?}; they were {SNAPSHOT:?}: see SNAPSHOT in {}",
        file!()
    );
    Ok(())
}

/// Switched off, tracing costs a packet nothing: the kernel has removed it.
#[test]
fn nothing_of_tracing_is_left_where_it_is_off() -> Result<()> {
    if !verifies_lazily()? {
        println!("SKIPPED: what traces is left, but for the call of it");
        return Ok(());
    }
    let (off, on) = (Object::load()?, Object::load_tracing()?);
    for ((name, off), (other, on)) in infos(&off)?.into_iter().zip(infos(&on)?) {
        ensure!(name == other, "{name} beside {other}");
        let (left_off, left_on) = (left(name, &off)?, left(name, &on)?);
        let (calls_off, calls_on) = (ring_buffer_calls(&off)?, ring_buffer_calls(&on)?);
        println!(
            "{name}: {left_off} instructions, of which {calls_off} write to the log; tracing {left_on}, \
             of which {calls_on} do"
        );
        if let Some(verified) = on.verified_instruction_count() {
            println!("{name}: tracing verified in {verified}");
            ensure!(
                verified <= VERIFIED_TRACING,
                "{name}: tracing verified in {verified}"
            );
        }
        ensure!(calls_off == 0, "{name} writes to the log with tracing off");
        if name == CLOCK_PROGRAM {
            ensure!(left_off == left_on, "{name} does not trace");
            continue;
        }
        ensure!(
            calls_on > 0,
            "{name} does not write to the log with tracing on"
        );
        ensure!(
            left_on >= left_off + LEAST_OF_TRACING,
            "{name}: {left_off} instructions without tracing, {left_on} with it"
        );
    }
    Ok(())
}

/// How many calls of a program are to helpers of the ring buffer, which nothing but the log uses.
fn ring_buffer_calls(info: &ProgramInfo) -> Result<usize> {
    let id = info.id().to_string();
    let output = Command::new("bpftool")
        .args(["prog", "dump", "xlated", "id", &id])
        .output()
        .context("bpftool: `cargo xtask setup` installs it")?;
    ensure!(
        output.status.success(),
        "bpftool prog dump xlated id {id}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).context("what bpftool prints")?;
    let calls: Vec<_> = text
        .lines()
        .filter(|line| line.contains(") call "))
        .collect();
    ensure!(!calls.is_empty(), "no call in program {id}: {text}");
    Ok(calls.iter().filter(|line| line.contains("ringbuf")).count())
}
