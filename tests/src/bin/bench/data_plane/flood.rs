//! A flood over veth, and how fast each way gets rid of it.

use std::any::Any;

use anyhow::{Result, ensure};
use banner_tests::{
    flood::{Fate, Flood, Generator},
    lab::{self, Lab},
    topology::Family,
    wait::{PATIENCE, wait_until},
};

use super::{
    Pace, cpus,
    figures::{Spread, Target},
    generator::{self, Order, Outcome},
    receiver::{Bans, Way},
    scene::{self, Sender, Server},
};
use crate::table::Table;

/// What is measured of one family with one number of sources.
struct Case {
    family: Family,
    sources: u32,
    ways: &'static [Way],
}

/// Those that say enough where the others would say the same again.
const SIDE_BY_SIDE: [Way; 4] = [Way::BareDrop, Way::BareLookup, Way::Banner, Way::NftIngress];

/// Those that are compared where all sources fit into the nearest caches.
const NEAR: [Way; 5] = [
    Way::BareDrop,
    Way::BareLookup,
    Way::Banner,
    Way::XdpFilter,
    Way::NftIngress,
];

/// A way that stands, and what it came to.
struct Stand {
    way: Way,
    server: Server,
    bans: Bans,
    /// What holds it in place, or why it does not stand.
    held: Result<Box<dyn Any>, String>,
    /// Packets per second, round by round.
    rates: Vec<f64>,
    lost: u64,
}

pub(crate) fn measure(pace: Pace) -> Result<()> {
    let many = pace.pick(1_000_000, 100_000);
    let case = |family, sources, ways| Case {
        family,
        sources,
        ways,
    };
    let cases = [
        case(Family::V4, 10_000, &Way::ALL[..]),
        case(Family::V4, many, &Way::ALL),
        case(Family::V4, 100, &NEAR),
        case(Family::V6, 10_000, &Way::ALL),
        case(Family::V6, many, &SIDE_BY_SIDE),
    ];
    for case in &cases[..pace.pick(cases.len(), 2)] {
        lab::run(|lab| one_cpu(lab, pace, case))?;
    }
    lab::run(|lab| two_cpus(lab, pace))
}

fn one_cpu(lab: &Lab, pace: Pace, case: &Case) -> Result<()> {
    let sender = Sender::new()?;
    let mut stands = case
        .ways
        .iter()
        .map(|&way| stand(lab, &sender, way, case))
        .collect::<Result<Vec<_>>>()?;
    let mut made = Vec::new();
    for _ in 0..pace.pick(5, 2) {
        made.extend(only_made(lab, pace, &sender, &stands[0].server, case)?.map(Outcome::rate));
        for stand in stands.iter_mut().filter(|stand| stand.held.is_ok()) {
            if let Some(outcome) = stand.flooded(lab, pace, &sender, 1)? {
                stand.rates.push(outcome.rate());
                stand.lost += outcome.lost;
            }
        }
    }
    for stand in &mut stands {
        if stand.held.is_ok() && stand.rates.is_empty() {
            stand.held = Err(TOO_BUSY.to_owned());
        }
    }
    print(case, &stands, made);
    Ok(())
}

/// Why there is no figure.
const TOO_BUSY: &str = "not measured: the machine has too much to do";

fn stand(lab: &Lab, sender: &Sender, way: Way, case: &Case) -> Result<Stand> {
    let server = sender.server(lab, way.id())?;
    let bans = Bans {
        family: case.family,
        // The ways that have a rule per ban are flooded from as many sources as they have rules.
        count: way.bans(case.sources),
    };
    let held = if case.sources > 10_000 && bans.count != case.sources {
        Err(format!("measured with {} rules only", bans.count))
    } else {
        way.set_up(lab, &server, bans)?
    };
    let stand = Stand {
        way,
        server,
        bans,
        held,
        rates: Vec::new(),
        lost: 0,
    };
    if stand.held.is_ok() {
        stand.prove(sender)?;
    }
    Ok(stand)
}

impl Stand {
    /// Shows that it drops what is banned and passes what is not: a peer that was set up badly
    /// proves nothing.
    fn prove(&self, sender: &Sender) -> Result<()> {
        let send = |first, sources| {
            sender.namespace.inside(|| {
                Generator::load(Flood {
                    first,
                    sources,
                    to: scene::MAC,
                    destination: self.server.address(self.bans.family),
                    fate: Fate::Sent,
                })?
                .send(self.server.index, 64)
            })?
        };
        let arrived = || self.server.delivered(self.bans.family);
        if self.way.passes_others() {
            let before = arrived()?;
            // A link that has just come up loses what it is given first.
            wait_until("packets of who is not banned", PATIENCE, || {
                send(self.bans.count, 1)?;
                Ok(arrived()? != before)
            })?;
        }
        let before = arrived()?;
        send(0, self.bans.count)?;
        let passed = arrived()?.udp - before.udp;
        let expected = if self.way == Way::Stack { 64 } else { 0 };
        ensure!(
            passed == expected,
            "{}: {passed} of 64 packets of banned sources arrived, not {expected}",
            self.way.title()
        );
        Ok(())
    }

    /// Floods it from `cpus` CPUs at once.
    fn flooded(
        &self,
        lab: &Lab,
        pace: Pace,
        sender: &Sender,
        cpus: usize,
    ) -> Result<Option<Outcome>> {
        let (first, sources) = self.way.flood(self.bans.count);
        let orders: Vec<_> = cpus::usable()?
            .into_iter()
            .rev()
            .take(cpus)
            .map(|cpu| Order {
                family: self.bans.family,
                first,
                sources,
                fate: Fate::Sent,
                cpu,
            })
            .collect();
        let before = self.server.delivered(self.bans.family)?;
        let outcome = generator::flood(lab, sender, &self.server, &orders, pace.slice())?;
        let passed = self.server.delivered(self.bans.family)?.udp - before.udp;
        ensure!(
            outcome.is_none() || (passed > 0) == (self.way == Way::Stack),
            "{}: {passed} packets of the flood arrived",
            self.way.title()
        );
        Ok(outcome)
    }
}

/// What making the packets costs, when nobody gets them.
fn only_made(
    lab: &Lab,
    pace: Pace,
    sender: &Sender,
    server: &Server,
    case: &Case,
) -> Result<Option<Outcome>> {
    let order = Order {
        family: case.family,
        first: 0,
        sources: case.sources,
        fate: Fate::Dropped,
        cpu: cpus::flooded()?,
    };
    generator::flood(lab, sender, server, &[order], pace.slice())
}

/// Nanoseconds per packet.
fn nanoseconds(rate: f64) -> f64 {
    1e9 / rate
}

fn print(case: &Case, stands: &[Stand], made: Vec<f64>) {
    let median = |wanted: Way| {
        let stand = stands.iter().find(|stand| stand.way == wanted)?;
        (!stand.rates.is_empty()).then(|| Spread::new(stand.rates.clone()).median())
    };
    let (drop, banner) = (median(Way::BareDrop), median(Way::Banner));
    let ratio = |a: Option<f64>, b: Option<f64>| a.zip(b).map(|(a, b)| a / b);
    let mut table = Table::new([
        "flood received by",
        "kpps",
        "ns per packet",
        "ns / bare XDP_DROP's",
        "banner's packets / its",
        "target",
    ]);
    for stand in stands {
        let bans = if stand.bans.count == case.sources {
            String::new()
        } else {
            format!(" ({} bans)", stand.bans.count)
        };
        let title = format!("{}{bans}", stand.way.title());
        let rates = match &stand.held {
            Err(reason) => {
                table.row([title, reason.clone(), dash(), dash(), dash(), dash()]);
                continue;
            }
            Ok(_) => Spread::new(stand.rates.clone()),
        };
        let own = Some(rates.median());
        let slower = ratio(drop, own);
        let faster = ratio(banner, own);
        let target = match stand.way {
            Way::Banner if case.sources <= 10_000 => slower.zip(Some(Target::AtMost(1.10))),
            Way::Banner => ratio(median(Way::BareLookup), own).zip(Some(Target::AtMost(1.10))),
            // What others do with more is told, but nothing was promised about it.
            _ if case.sources != 10_000 => None,
            Way::NftIngress => faster.zip(Some(Target::AtLeast(4.0))),
            Way::IpsetLegacy | Way::IpsetNft => faster.zip(Some(Target::AtLeast(5.0))),
            Way::RulesLegacy | Way::RulesNft | Way::LastRuleLegacy | Way::LastRuleNft => {
                faster.zip(Some(Target::AtLeast(40.0)))
            }
            Way::XdpFilter => faster.zip(Some(Target::Above(1.0))),
            _ => None,
        };
        let target = target.map_or_else(dash, |(figure, target)| {
            let against = match stand.way {
                Way::Banner if case.sources > 10_000 => {
                    format!("{figure:.2} × bare lookup's ns, ")
                }
                _ => String::new(),
            };
            format!("{against}{}", target.verdict(figure))
        });
        let times = |ratio: Option<f64>| ratio.map_or_else(dash, |ratio| format!("{ratio:.2}"));
        table.row([
            title,
            rates.map(|rate| rate / 1e3).to_string(),
            rates.map(nanoseconds).to_string(),
            times(slower),
            times(faster),
            target,
        ]);
    }
    if !made.is_empty() {
        let made = Spread::new(made);
        table.row([
            "(packets made and not sent)".into(),
            made.map(|rate| rate / 1e3).to_string(),
            made.map(nanoseconds).to_string(),
            dash(),
            dash(),
            dash(),
        ]);
    }
    println!(
        "\n## Flood over veth, {:?}, {} banned sources, one CPU\n\n{table}",
        case.family, case.sources
    );
    for stand in stands.iter().filter(|stand| stand.lost > 0) {
        println!(
            "{}: {} more packets found its queue full and are not counted",
            stand.way.title(),
            stand.lost
        );
    }
}

fn dash() -> String {
    "-".into()
}

fn two_cpus(lab: &Lab, pace: Pace) -> Result<()> {
    let title = "\n## Flood over veth, V4, 10000 banned sources, one and two CPUs";
    if cpus::usable()?.len() < 2 {
        println!("{title}\n\nnot measured: this machine has one CPU");
        return Ok(());
    }
    let case = Case {
        family: Family::V4,
        sources: 10_000,
        ways: &SIDE_BY_SIDE,
    };
    let sender = Sender::new()?;
    let stands = case
        .ways
        .iter()
        .map(|&way| stand(lab, &sender, way, &case))
        .collect::<Result<Vec<_>>>()?;
    let mut rates = vec![[Vec::new(), Vec::new()]; stands.len()];
    for _ in 0..pace.pick(5, 2) {
        for (stand, rates) in stands.iter().zip(&mut rates) {
            if stand.held.is_ok() {
                for (cpus, rates) in [1, 2].into_iter().zip(rates) {
                    let outcome = stand.flooded(lab, pace, &sender, cpus)?;
                    rates.extend(outcome.map(|outcome| outcome.rate() / 1e3));
                }
            }
        }
    }
    let mut table = Table::new([
        "flood received by",
        "kpps, one CPU",
        "kpps, two CPUs",
        "two / one",
        "target",
    ]);
    for (stand, [one, two]) in stands.iter().zip(rates) {
        let title = stand.way.title().to_owned();
        let reason = match &stand.held {
            Err(reason) => Some(reason.clone()),
            Ok(_) if one.is_empty() || two.is_empty() => Some(TOO_BUSY.to_owned()),
            Ok(_) => None,
        };
        if let Some(reason) = reason {
            table.row([title, reason, dash(), dash(), dash()]);
            continue;
        }
        let (one, two) = (Spread::new(one), Spread::new(two));
        let ratio = two.median() / one.median();
        let target = match stand.way {
            Way::Banner => Target::AtLeast(1.8).verdict(ratio),
            _ => dash(),
        };
        table.row([
            title,
            one.to_string(),
            two.to_string(),
            format!("{ratio:.2}"),
            target,
        ]);
    }
    println!("{title}\n\n{table}");
    Ok(())
}
