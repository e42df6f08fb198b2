//! What XDP bans need of the kernel and of the process.

use std::fs;

use nix::sys::utsname::uname;

use super::XdpError;

/// Something that works, but not as well as it might, in words for the administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice(pub String);

/// Bit in a capability set, name. The numbers are those of linux/capability.h.
type Capability = (u32, &'static str);

/// `CAP_SYS_ADMIN` has these in it.
const OF_SYS_ADMIN: [Capability; 2] = [(39, "CAP_BPF"), (38, "CAP_PERFMON")];
const NET_ADMIN: Capability = (12, "CAP_NET_ADMIN");
const SYS_ADMIN: u32 = 21;

/// Fails when something is missing without which nothing can be tried.
pub(super) fn check() -> Result<(), XdpError> {
    let release = release();
    if let Some(missing) = missing(&release) {
        return Err(XdpError::Kernel {
            found: release,
            missing,
        });
    }
    match privileges() {
        Some(missing) => Err(XdpError::Privilege { missing }),
        None => Ok(()),
    }
}

/// The kernel's release; empty where it cannot be told.
pub(super) fn release() -> String {
    let names = uname().ok();
    let release = names.as_ref().and_then(|names| names.release().to_str());
    release.unwrap_or_default().to_owned()
}

/// What a kernel of this release lacks. Where it cannot be told, the kernel will.
pub(super) fn missing(release: &str) -> Option<&'static str> {
    version(release).and_then(missing_in)
}

/// The capabilities that this process lacks, by name.
pub(super) fn privileges() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    missing_capabilities(effective_capabilities(&status))
}

/// Major and minor version in a release such as `6.1.0-18-amd64`.
pub(super) fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// Links for XDP came with 5.9 (aa8d3a716b59 "bpf, xdp: Add bpf_link-based XDP attachment API");
/// before it a ban would end with the agent.
fn missing_in(version: (u32, u32)) -> Option<&'static str> {
    (version < (5, 9))
        .then_some("links that keep an XDP program attached without the agent came with 5.9")
}

fn effective_capabilities(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// Maps take `CAP_BPF`, attaching `CAP_NET_ADMIN`. The program subtracts the beginning of a packet
/// from its end, which the verifier allows with `CAP_PERFMON` only.
fn missing_capabilities(effective: Option<u64>) -> Option<String> {
    let effective = effective?;
    let has = |bit: u32| effective & (1 << bit) != 0;
    let of_admin = OF_SYS_ADMIN.into_iter().filter(|_| !has(SYS_ADMIN));
    let mut missing: Vec<_> = of_admin
        .chain([NET_ADMIN])
        .filter(|&(bit, _)| !has(bit))
        .map(|(_, name)| name)
        .collect();
    missing.sort_unstable();
    let last = missing.pop()?;
    if missing.is_empty() {
        return Some(last.to_owned());
    }
    Some(format!("{} and {last}", missing.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_before_5_9_is_refused_with_the_reason() {
        for release in ["2.6.78", "4.19.0-27-amd64", "5.8.18", "5.8-rc1"] {
            let why = version(release).and_then(missing_in);
            assert!(why.is_some_and(|why| why.contains("5.9")), "{release}");
        }
        for release in ["5.9.0", "5.10.0-30-cloud-amd64", "6.18.1", "10.0", "", "x"] {
            assert_eq!(version(release).and_then(missing_in), None, "{release}");
        }
    }

    #[test]
    fn missing_capabilities_are_named() {
        let missing = |hex: &str| {
            missing_capabilities(effective_capabilities(&format!(
                "Name:\tx\nCapEff:\t{hex}\n"
            )))
        };
        assert_eq!(missing("000001ffffffffff"), None);
        assert_eq!(missing("000000c000001000"), None);
        assert_eq!(
            missing("0000000000000000").unwrap(),
            "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON"
        );
        assert_eq!(missing("000000c000000000").unwrap(), "CAP_NET_ADMIN");
        assert_eq!(
            missing("0000000000001000").unwrap(),
            "CAP_BPF and CAP_PERFMON"
        );
        assert_eq!(missing("0000008000001000").unwrap(), "CAP_PERFMON");
        assert_eq!(missing("0000000000200000").unwrap(), "CAP_NET_ADMIN");
        assert_eq!(missing("0000000000201000"), None);
        assert_eq!(missing("what"), None);
    }
}
