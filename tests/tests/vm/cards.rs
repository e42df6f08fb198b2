//! The machine's two virtio network cards, which are on one cable.

use std::{
    net::IpAddr,
    process::Command,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result, bail, ensure};
use banner_tests::{
    lab::{self, Lab},
    netns::Namespace,
    topology::{Family, Topology},
    wait::{PATIENCE, wait_for},
};

/// The addresses of the cards (xtask/src/vm/boot.rs): the server's, the attacker's.
const MACS: [&str; 2] = ["02:00:00:00:0a:01", "02:00:00:00:0a:02"];

/// One test at a time has the cards.
static CARDS: Mutex<()> = Mutex::new(());

/// Runs `test` in a lab where the link between server and attacker is the cable between the cards.
pub(crate) fn with_cards(test: impl FnOnce(&Lab, &Topology) -> Result<()> + Send) -> Result<()> {
    let _mine = CARDS.lock().unwrap_or_else(PoisonError::into_inner);
    lab::run(|lab| {
        let topology = Topology::build()?;
        let Topology {
            server, attacker, ..
        } = &topology;
        let near = attacker.server_interface();
        server.ip(&format!("link delete {near}"))?;
        plug(server, near, MACS, |family| {
            (attacker.server(family, 0).ip(), attacker.address(family))
        })?;
        plug(attacker.namespace(), "eth0", [MACS[1], MACS[0]], |family| {
            (attacker.address(family), attacker.server(family, 0).ip())
        })?;
        test(lab, &topology)
    })
}

/// Moves the card with the first address into `namespace`, and names and configures it as the
/// virtual interface was whose place it takes. `ends` tells the addresses of both ends.
fn plug(
    namespace: &Namespace,
    name: &str,
    [mac, other_mac]: [&str; 2],
    ends: impl Fn(Family) -> (IpAddr, IpAddr),
) -> Result<()> {
    // A card comes back as the test before left it, when the namespace that it was in is gone, which
    // the kernel sees to in its own time.
    let card = wait_for(&format!("the card {mac}"), PATIENCE, || card(mac))?;
    let place = namespace.name();
    ip_outside(&["link", "set", &card, "netns", place, "name", name])?;
    let ((own4, other4), (own6, other6)) = (ends(Family::V4), ends(Family::V6));
    namespace.ip(&format!(
        "link set {name} mtu 1500\n\
         address add {own4}/24 dev {name}\n\
         address add {own6}/64 dev {name} nodad\n\
         link set {name} up\n\
         neighbour add {other4} lladdr {other_mac} nud permanent dev {name}\n\
         neighbour add {other6} lladdr {other_mac} nud permanent dev {name}\n"
    ))
}

/// The name of the machine's card with this address.
fn card(mac: &str) -> Result<Option<String>> {
    let links = ip_outside(&["-oneline", "link", "show"])?;
    let line = links.lines().find(|line| line.contains(mac));
    let Some(line) = line else {
        return Ok(None);
    };
    let name = line.split(": ").nth(1).context("a link has a name")?;
    Ok(Some(name.to_owned()))
}

/// Runs `ip` in the network namespace of the first process, with the lab's mounts.
fn ip_outside(arguments: &[&str]) -> Result<String> {
    ensure!(
        std::fs::read_link("/proc/1/exe")?.ends_with("init"),
        "only a virtual machine has cards to give away: run `cargo xtask vm`"
    );
    let output = Command::new("nsenter")
        .args(["--net=/proc/1/ns/net", "ip"])
        .args(arguments)
        .output()
        .context("start nsenter")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("ip {}: {}: {said}", arguments.join(" "), output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}
