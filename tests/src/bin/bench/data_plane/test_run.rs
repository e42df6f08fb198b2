//! What a packet costs in the program alone: test-run, one frame again and again.

use std::{panic, thread, time::Duration};

use anyhow::{Result, ensure};
use aya::{TestRun as _, TestRunOptions, programs::Xdp};
use banner_tests::{
    bare::{self, Bare},
    bpf::Object,
    flood,
    topology::Family,
};
use nix::time::{ClockId, clock_gettime};

use super::{
    Pace,
    bans::{self, Special},
    cpus,
    figures::{Spread, Target, digits},
    receiver::Bans,
};
use crate::table::Table;

const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;

/// Everything that holds this many bans of each family.
struct Size {
    bans: u32,
    bare: Bare,
    banner: Object,
    /// The same with a prefix banned too, which every miss has to ask about.
    wide: Object,
}

/// Which program a row runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Program {
    Floor,
    Lookup,
    Banner,
    Wide,
}

/// Whose packet it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Banned,
    Nobodys,
    Special(Special),
}

/// One line of the table, for each family.
#[derive(Clone, Copy, Debug)]
struct Row {
    title: &'static str,
    program: Program,
    whose: Whose,
    verdict: u32,
    /// How many times the figure of which other row it may be.
    target: Option<(f64, Program, Whose)>,
}

const fn row(title: &'static str, program: Program, whose: Whose, verdict: u32) -> Row {
    Row {
        title,
        program,
        whose,
        verdict,
        target: None,
    }
}

impl Row {
    const fn within(mut self, times: f64, program: Program, whose: Whose) -> Self {
        self.target = Some((times, program, whose));
        self
    }
}

const fn special(title: &'static str, program: Program, special: Special, verdict: u32) -> Row {
    row(title, program, Whose::Special(special), verdict)
}

const ROWS: [Row; 13] = [
    row("bare XDP_DROP", Program::Floor, Whose::Banned, XDP_DROP),
    row("bare lookup, hit", Program::Lookup, Whose::Banned, XDP_DROP),
    row(
        "bare lookup, miss",
        Program::Lookup,
        Whose::Nobodys,
        XDP_PASS,
    ),
    row("banner, hit", Program::Banner, Whose::Banned, XDP_DROP).within(
        1.15,
        Program::Lookup,
        Whose::Banned,
    ),
    row("banner, miss", Program::Banner, Whose::Nobodys, XDP_PASS).within(
        1.10,
        Program::Lookup,
        Whose::Nobodys,
    ),
    special(
        "banner, observed",
        Program::Banner,
        Special::Observed,
        XDP_PASS,
    ),
    special(
        "banner, banned for this port",
        Program::Banner,
        Special::Scoped,
        XDP_DROP,
    ),
    special(
        "banner, banned for other ports",
        Program::Banner,
        Special::OtherPorts,
        XDP_PASS,
    ),
    special(
        "banner, banned by two jails",
        Program::Banner,
        Special::Several,
        XDP_DROP,
    ),
    special(
        "banner, hit that asks the never-ban list",
        Program::Banner,
        Special::Unchecked,
        XDP_DROP,
    ),
    special(
        "banner, banned and on the never-ban list",
        Program::Banner,
        Special::Never,
        XDP_PASS,
    ),
    special(
        "banner, in a banned prefix",
        Program::Wide,
        Special::InPrefix,
        XDP_DROP,
    ),
    row(
        "banner, miss while a prefix is banned",
        Program::Wide,
        Whose::Nobodys,
        XDP_PASS,
    ),
];

/// One million bans may cost this many times what one thousand cost.
const MANY: f64 = 1.10;

pub(crate) fn measure(pace: Pace) -> Result<()> {
    // In a thread of its own, because it stays on one CPU.
    thread::scope(|scope| {
        let thread = scope.spawn(|| in_thread(pace));
        thread
            .join()
            .unwrap_or_else(|payload| panic::resume_unwind(payload))
    })
}

fn in_thread(pace: Pace) -> Result<()> {
    cpus::stay_on(cpus::flooded()?)?;
    let counts = [1, 1_000, pace.pick(1_000_000, 100_000)];
    let sizes = counts
        .iter()
        .map(|&bans| Size::fill(bans))
        .collect::<Result<Vec<_>>>()?;
    // By size, row and family.
    let mut figures = vec![vec![[Vec::new(), Vec::new()]; ROWS.len()]; sizes.len()];
    for _ in 0..pace.pick(11, 3) {
        for (size, figures) in sizes.iter().zip(&mut figures) {
            for (row, figures) in ROWS.iter().zip(figures) {
                for (family, figures) in FAMILIES.into_iter().zip(figures) {
                    figures.push(size.nanoseconds(*row, family, pace)?);
                }
            }
        }
    }
    let figures: Vec<Vec<_>> = figures
        .into_iter()
        .map(|rows| rows.into_iter().map(|row| row.map(Spread::new)).collect())
        .collect();
    for (n, family) in FAMILIES.into_iter().enumerate() {
        for (size, figures) in sizes.iter().zip(&figures) {
            let figures: Vec<_> = figures.iter().map(|row| &row[n]).collect();
            print(family, size.bans, &figures);
        }
        let hit = |size: &Vec<[Spread; 2]>| size[at(Program::Banner, Whose::Banned)][n].median();
        let ratio = hit(&figures[2]) / hit(&figures[1]);
        println!(
            "a hit among {} bans / among {}, {family:?}: {ratio:.2}, target {}",
            counts[2],
            counts[1],
            Target::AtMost(MANY).verdict(ratio)
        );
    }
    Ok(())
}

/// The row of this program and packet.
fn at(program: Program, whose: Whose) -> usize {
    let found = ROWS
        .iter()
        .position(|row| row.program == program && row.whose == whose);
    found.expect("a target names a row")
}

impl Size {
    fn fill(bans: u32) -> Result<Self> {
        let mut bare = Bare::load(bans::capacity(bans))?;
        let mut banner = bans::object(bans)?;
        let mut wide = bans::object(bans)?;
        for family in FAMILIES {
            let wanted = Bans {
                family,
                count: bans,
            };
            bare.list((0..bans).map(|n| flood::source(family, n)))?;
            bans::fill(&mut banner, wanted)?;
            bans::fill(&mut wide, wanted)?;
            bans::add_special(&mut banner, family)?;
            bans::add_prefix(&mut wide, family)?;
        }
        Ok(Self {
            bans,
            bare,
            banner,
            wide,
        })
    }

    /// Time of this thread that one packet takes. The processor's clock, because another process
    /// that got in between is none of the program's.
    fn nanoseconds(&self, row: Row, family: Family, pace: Pace) -> Result<f64> {
        let program: &Xdp = match row.program {
            Program::Floor => self.bare.program(bare::DROP)?,
            Program::Lookup => self.bare.program(bare::lookup(family))?,
            Program::Banner => self.banner.deciding()?,
            Program::Wide => self.wide.deciding()?,
        };
        let source = match row.whose {
            Whose::Banned => flood::source(family, self.bans / 2),
            Whose::Nobodys => flood::source(family, bans::NOBODY),
            Whose::Special(special) => special.source(family),
        };
        let frame = flood::frame(source)?;
        let run = |repeat| {
            program.test_run(TestRunOptions {
                data_in: Some(&frame),
                repeat,
                ..TestRunOptions::new()
            })
        };
        let repeat = pace.pick(1_000_000, 100_000);
        run(repeat / 100)?;
        let before = processor_time()?;
        let result = run(repeat)?;
        let took = processor_time()?.saturating_sub(before);
        ensure!(
            result.return_value == row.verdict,
            "{}, {family:?}: the program returned {}, not {}",
            row.title,
            result.return_value,
            row.verdict
        );
        Ok(took.as_secs_f64() * 1e9 / f64::from(repeat))
    }
}

fn processor_time() -> Result<Duration> {
    Ok(clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID)?.into())
}

fn print(family: Family, bans: u32, figures: &[&Spread]) {
    let mut table = Table::new([
        "test-run, ns per packet",
        "median (least to most)",
        "above the floor",
        "/ bare lookup",
        "target",
    ]);
    let floor = figures[at(Program::Floor, Whose::Banned)].median();
    for (row, figure) in ROWS.iter().zip(figures) {
        let lookup = |verdict| {
            let whose = if verdict == XDP_DROP {
                Whose::Banned
            } else {
                Whose::Nobodys
            };
            figures[at(Program::Lookup, whose)].median()
        };
        // What is found in a map is held against a hit, also when it passes.
        let against = match row.whose {
            Whose::Special(_) => lookup(XDP_DROP),
            _ => lookup(row.verdict),
        };
        let target = row.target.map_or_else(
            || "-".to_owned(),
            |(times, program, whose)| {
                let ratio = figure.median() / figures[at(program, whose)].median();
                Target::AtMost(times).verdict(ratio)
            },
        );
        table.row([
            row.title.to_owned(),
            figure.to_string(),
            digits(figure.median() - floor),
            format!("{:.2}", figure.median() / against),
            target,
        ]);
    }
    println!("\n## Test-run, {family:?}, {bans} bans\n\n{table}");
}
