//! What XDP bans need of the kernel and of the process.

use std::fs;

use aya::util::KernelVersion;

use super::XdpError;

/// Something that works, but not as well as it might, in words for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice(pub String);

// linux/capability.h
const NET_ADMIN: u32 = 12;
const SYS_ADMIN: u32 = 21;
const BPF: u32 = 39;

/// Fails when something is missing without which nothing can be tried.
pub(super) fn check() -> Result<(), XdpError> {
    let version = KernelVersion::current().ok();
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    if let Some(missing) = version.and_then(missing_in) {
        return Err(XdpError::Kernel {
            found: release.trim().to_owned(),
            missing,
        });
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    match missing_capabilities(effective_capabilities(&status)) {
        Some(missing) => Err(XdpError::Privilege { missing }),
        None => Ok(()),
    }
}

/// Links for XDP came with 5.9 (aa8d3a716b59 "bpf, xdp: Add bpf_link-based XDP attachment API");
/// before it a ban would end with the agent.
fn missing_in(version: KernelVersion) -> Option<&'static str> {
    (version < KernelVersion::new(5, 9, 0))
        .then_some("links that keep an XDP program attached without the agent came with 5.9")
}

fn effective_capabilities(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

fn missing_capabilities(effective: Option<u64>) -> Option<String> {
    // Where it cannot be told, the kernel will.
    let effective = effective?;
    let has = |capability: u32| effective & (1 << capability) != 0;
    let mut missing = Vec::new();
    if !has(BPF) && !has(SYS_ADMIN) {
        missing.push("CAP_BPF");
    }
    if !has(NET_ADMIN) {
        missing.push("CAP_NET_ADMIN");
    }
    (!missing.is_empty()).then(|| missing.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_before_5_9_is_refused_with_the_reason() {
        assert!(missing_in(KernelVersion::new(5, 8, 18)).is_some_and(|why| why.contains("5.9")));
        assert_eq!(missing_in(KernelVersion::new(5, 9, 0)), None);
        assert_eq!(missing_in(KernelVersion::new(6, 18, 1)), None);
    }

    #[test]
    fn missing_capabilities_are_named() {
        let missing = |hex: &str| {
            missing_capabilities(effective_capabilities(&format!(
                "Name:\tx\nCapEff:\t{hex}\n"
            )))
        };
        assert_eq!(missing("000001ffffffffff"), None);
        assert_eq!(
            missing("0000000000000000").unwrap(),
            "CAP_BPF and CAP_NET_ADMIN"
        );
        assert_eq!(missing("0000008000000000").unwrap(), "CAP_NET_ADMIN");
        assert_eq!(missing("0000000000001000").unwrap(), "CAP_BPF");
        assert_eq!(
            missing("0000000000201000"),
            None,
            "CAP_SYS_ADMIN has CAP_BPF in it"
        );
        assert_eq!(missing("what"), None);
    }
}
