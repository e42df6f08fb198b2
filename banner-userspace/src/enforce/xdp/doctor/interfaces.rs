//! What an interface is, and what would be used there.

use std::{collections::BTreeMap, fs, path::Path, thread};

use serde::Serialize;

use super::{Verdict, Wanted};
use crate::{
    enforce::xdp::{
        Holder, advice, kind,
        links::{Hook, Link},
        pins::Pins,
    },
    netlink::{Interface, Network, XdpMode, native_xdp},
};

/// One interface.
#[derive(Clone, Debug, Default, Serialize)]
pub struct InterfaceReport {
    /// Name.
    pub name: String,
    /// What it is: `veth`, `device, slave of the bond bond0`.
    pub kind: String,
    /// The driver, where it can be told.
    pub driver: Option<String>,
    /// Bytes.
    pub mtu: u32,
    /// Receive queues, at most.
    pub rx_queues: u32,
    /// Whether it would be protected.
    pub wanted: bool,
    /// The XDP program that it has: mode, and whose.
    pub program: Option<String>,
    /// What would be used there: `native`, `generic`, `tcx`, `nothing`.
    pub place: &'static str,
    /// Why, in words.
    pub why: String,
    /// What to know of XDP there.
    pub advice: Vec<String>,
}

/// Drivers that had native XDP before 5.9, the oldest kernel that banner runs on, so that those
/// which do not tell themselves (before 6.3) have it, too. From the list of BPF features by kernel
/// version in the documentation of bcc (docs/kernel-versions.md, "XDP").
const NATIVE_DRIVERS: [&str; 12] = [
    "bnxt_en",
    "cpsw",
    "fsl_dpaa2_eth",
    "i40e",
    "ixgbe",
    "ixgbevf",
    "mlx4_core",
    "mlx5_core",
    "nfp",
    "qede",
    "thunder-nicvf",
    "virtio_net",
];

pub(super) fn look(
    network: &Network,
    pin_dir: &Path,
    wanted: &Wanted,
    tcx: bool,
) -> Vec<InterfaceReport> {
    let told = native_xdp().ok();
    let all = &network.interfaces;
    let is_wanted = |interface: &Interface| match wanted {
        Wanted::Default => network.default_interfaces.contains(&interface.index),
        Wanted::Named(names) => names.contains(&interface.name),
    };
    let (own, behind) = own_links(pin_dir, all);
    all.iter()
        .map(|interface| {
            let driver = driver(interface);
            let held = interface.xdp.map(|slot| {
                let holder = Holder::find(slot.program);
                (slot.mode, own.contains(&interface.index), holder)
            });
            let native = expected(interface, driver.as_deref(), told.as_ref());
            let (place, mut why) = place(interface, held.as_ref(), native, tcx);
            if place == "tcx" && behind.contains(&interface.index) {
                why.push_str("; banner's program is at tcx");
            }
            let mut hints: Vec<_> = advice(interface).map(str::to_owned).into_iter().collect();
            hints.extend(queues(interface));
            InterfaceReport {
                name: interface.name.clone(),
                kind: kind(interface, all),
                driver,
                mtu: interface.mtu,
                rx_queues: interface.rx_queues,
                wanted: is_wanted(interface),
                program: held.map(|(mode, _, holder)| format!("{}: {holder}", mode.name())),
                place,
                why,
                advice: hints,
            }
        })
        .collect()
}

/// What comes of the interfaces that would be protected.
pub(super) fn judge(reports: &[InterfaceReport], wanted: &Wanted) -> (Verdict, Vec<String>) {
    let mut reasons = Vec::new();
    let mut best = Verdict::Unusable;
    let mut worst = Verdict::Native;
    if let Wanted::Named(names) = wanted {
        for name in names {
            if !reports.iter().any(|report| report.name == *name) {
                reasons.push(format!("{name}: no interface has this name"));
                worst = Verdict::Limited;
            }
        }
    }
    for report in reports.iter().filter(|report| report.wanted) {
        let found = match report.place {
            "native" => Verdict::Native,
            "nothing" => Verdict::Unusable,
            _ => Verdict::Limited,
        };
        if found != Verdict::Native {
            reasons.push(format!("{}: {}", report.name, report.why));
        }
        best = best.min(found);
        worst = worst.max(found);
    }
    if !reports.iter().any(|report| report.wanted) && reasons.is_empty() {
        reasons.push("no interface carries a default route; name those to protect".into());
    }
    let verdict = match (best, worst) {
        (Verdict::Unusable, _) => Verdict::Unusable,
        (Verdict::Native, Verdict::Native) => Verdict::Native,
        _ => Verdict::Limited,
    };
    (verdict, reasons)
}

/// Whether native XDP is to be expected, and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Told(bool),
    ByDriver,
    Unknown,
}

fn expected(
    interface: &Interface,
    driver: Option<&str>,
    told: Option<&BTreeMap<u32, bool>>,
) -> Expected {
    if let Some(&native) = told.and_then(|told| told.get(&interface.index)) {
        return Expected::Told(native);
    }
    let by_kind = interface.is("veth");
    if by_kind || driver.is_some_and(|driver| NATIVE_DRIVERS.contains(&driver)) {
        return Expected::ByDriver;
    }
    let no_driver = [
        "bridge", "vlan", "macvlan", "ipvlan", "team", "vxlan", "dummy",
    ];
    if no_driver.iter().any(|kind| interface.is(kind)) || interface.name == "lo" {
        return Expected::Told(false);
    }
    Expected::Unknown
}

fn place(
    interface: &Interface,
    held: Option<&(XdpMode, bool, Holder)>,
    native: Expected,
    tcx: bool,
) -> (&'static str, String) {
    if !interface.ethernet {
        return ("nothing", "its packets have no Ethernet header".into());
    }
    match held {
        Some((mode, true, _)) => {
            let place = if *mode == XdpMode::Native {
                "native"
            } else {
                "generic"
            };
            return (
                place,
                format!("banner's program is there, {} mode", mode.name()),
            );
        }
        Some((_, false, holder)) if tcx => {
            return ("tcx", format!("its XDP slot is held by {holder}"));
        }
        Some((_, false, holder)) => {
            let why = format!("its XDP slot is held by {holder}, and tcx came with 6.6");
            return ("nothing", why);
        }
        None => {}
    }
    match native {
        Expected::Told(true) => ("native", "the driver says that it can".into()),
        Expected::Told(false) => ("generic", "the driver has no native XDP".into()),
        Expected::ByDriver => ("native", "likely: this driver has native XDP".into()),
        Expected::Unknown => (
            "generic",
            "unless the driver has native XDP, which kernels before 6.3 do not tell; attaching shows \
             it"
            .into(),
        ),
    }
}

fn queues(interface: &Interface) -> Option<String> {
    let cpus = thread::available_parallelism().ok()?.get();
    let queues = usize::try_from(interface.rx_queues).ok()?;
    (interface.device.is_some() && queues < cpus).then(|| {
        format!(
            "receive queues: {queues}, CPUs: {cpus}; under a flood the other CPUs drop nothing \
             (ethtool -L, where the device has more)"
        )
    })
}

/// The driver that the device under the interface is bound to.
fn driver(interface: &Interface) -> Option<String> {
    let device = interface.device.as_ref()?;
    let path = format!("/sys/bus/{}/devices/{}/driver", device.bus, device.name);
    let driver = fs::read_link(path).ok()?;
    Some(driver.file_name()?.to_str()?.to_owned())
}

/// Indices of the interfaces that a pinned link is on: at the XDP hook, at tcx.
fn own_links(pin_dir: &Path, interfaces: &[Interface]) -> (Vec<u32>, Vec<u32>) {
    let pins = Pins::look(pin_dir);
    let (mut xdp, mut tcx) = (Vec::new(), Vec::new());
    for (_, path) in pins.links().unwrap_or_default() {
        if let Ok(link) = Link::open(&path)
            && let Some(interface) = interfaces.iter().find(|found| link.is_on(found))
        {
            match link.hook {
                Hook::Xdp => xdp.push(interface.index),
                Hook::Tcx => tcx.push(interface.index),
            }
        }
    }
    (xdp, tcx)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::Device;

    fn ethernet() -> Interface {
        Interface {
            index: 3,
            name: "eth0".into(),
            ethernet: true,
            ..Interface::default()
        }
    }

    #[test]
    fn what_the_driver_says_goes_before_its_name() {
        let told = BTreeMap::from([(3, false)]);
        let interface = ethernet();
        let by = |driver, told| expected(&interface, driver, told);
        assert_eq!(by(Some("i40e"), Some(&told)), Expected::Told(false));
        assert_eq!(by(Some("i40e"), None), Expected::ByDriver);
        assert_eq!(by(Some("e1000"), None), Expected::Unknown);
        let bridge = Interface {
            kind: Some("bridge".into()),
            ..ethernet()
        };
        assert_eq!(expected(&bridge, None, None), Expected::Told(false));
    }

    #[test]
    fn a_slot_that_is_taken_leads_to_tcx_or_to_nothing() {
        let interface = ethernet();
        let foreign = (XdpMode::Native, false, Holder::default());
        let native = Expected::Told(true);
        assert_eq!(place(&interface, Some(&foreign), native, true).0, "tcx");
        assert_eq!(
            place(&interface, Some(&foreign), native, false).0,
            "nothing"
        );
        let own = (XdpMode::Generic, true, Holder::default());
        assert_eq!(place(&interface, Some(&own), native, true).0, "generic");
        assert_eq!(place(&interface, None, native, true).0, "native");
        let tunnel = Interface {
            ethernet: false,
            ..ethernet()
        };
        assert_eq!(place(&tunnel, None, native, true).0, "nothing");
    }

    #[test]
    fn the_worst_interface_limits_and_only_none_at_all_is_unusable() {
        let report = |name: &str, place| InterfaceReport {
            name: name.into(),
            place,
            wanted: true,
            ..InterfaceReport::default()
        };
        let judged = |reports: &[InterfaceReport]| judge(reports, &Wanted::Default).0;
        let (native, generic) = (report("a", "native"), report("b", "generic"));
        let nothing = report("c", "nothing");
        assert_eq!(judged(std::slice::from_ref(&native)), Verdict::Native);
        assert_eq!(judged(&[native.clone(), generic.clone()]), Verdict::Limited);
        assert_eq!(judged(&[generic, nothing.clone()]), Verdict::Limited);
        assert_eq!(judged(&[nothing]), Verdict::Unusable);
        assert_eq!(judged(&[]), Verdict::Unusable);
        let named = Wanted::Named(vec!["a".into(), "z".into()]);
        let (verdict, reasons) = judge(&[native], &named);
        assert_eq!(verdict, Verdict::Limited);
        assert!(reasons[0].contains("z: no interface"), "{reasons:?}");
    }

    #[test]
    fn only_devices_are_told_of_their_queues() {
        let mut interface = ethernet();
        assert_eq!(queues(&interface), None);
        interface.device = Some(Device {
            bus: "pci".into(),
            name: "0000:00:00.0".into(),
        });
        interface.rx_queues = u32::MAX;
        assert_eq!(queues(&interface), None);
        interface.rx_queues = 0;
        assert!(queues(&interface).unwrap().starts_with("receive queues: 0"));
    }
}
