//! What banner uses where a kernel has it, and that older kernels refuse in the way it knows.

use anyhow::{Context as _, Result, ensure};
use aya::programs::{SchedClassifier, tc::TcAttachType};
use banner_tests::{kernel, lab, topology::Topology};

/// 053c8e1f235d
#[test]
fn the_tcx_hook_is_there_since_6_6() -> Result<()> {
    lab::run(|_lab| {
        let topology = Topology::build()?;
        let interface = topology.attacker.server_interface();
        let query = || SchedClassifier::query_tcx(interface, TcAttachType::Ingress);
        let asked = topology.server.inside(query)?;
        if kernel::has(
            (6, 6),
            "no tcx hook to fall back to where the XDP slot is taken",
        )? {
            let (_, programs) = asked.context("ask for the programs at the hook")?;
            ensure!(programs.is_empty());
        } else {
            let error = format!(
                "{:#}",
                anyhow::Error::from(asked.err().context("it is there")?)
            );
            ensure!(error.contains("Invalid argument"), "{error}");
        }
        Ok(())
    })
}
