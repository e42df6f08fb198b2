//! Why the program is not on an interface, in words.

use std::io;

use aya::programs::{ProgramError, XdpError as AyaXdpError};

use super::{XdpError, holder::Holder};
use crate::netlink::Interface;

/// Why the program is not on an interface.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    /// Another program holds the interface's only XDP slot.
    #[error("{}", taken(interface, holder))]
    Taken {
        /// Name of the interface.
        interface: String,
        /// The other program.
        holder: Box<Holder>,
    },
    /// The bond, bridge or other interface that this one is a part of has a program.
    #[error(
        "{master}, which it is a part of, has an XDP program, and the kernel allows one at one of \
         the two only; protect either"
    )]
    MasterHasOne {
        /// Name of the interface that has it.
        master: String,
    },
    /// The program would take other bytes for the addresses, and drop nothing.
    #[error("its packets have no Ethernet header, so the program cannot read them; leave it out")]
    NoEthernet,
    /// The mode that the configuration demands cannot be had.
    #[error("mode: {mode} is wanted, and cannot be had: {why}")]
    NotSo {
        /// The word in the configuration.
        mode: &'static str,
        /// The kernel's word, and what most often is behind it.
        why: String,
    },
    /// Neither native nor generic XDP.
    #[error("it takes no XDP program; native: {native}; generic: {generic}")]
    Unsupported {
        /// The kernel's word on native XDP.
        native: String,
        /// The kernel's word on generic XDP.
        generic: String,
    },
    /// Something else.
    #[error(transparent)]
    Other(#[from] Box<XdpError>),
}

impl From<XdpError> for AttachError {
    fn from(error: XdpError) -> Self {
        Self::Other(Box::new(error))
    }
}

fn taken(interface: &str, holder: &Holder) -> String {
    let way_out = holder.way_out(interface);
    if holder.is_banner() {
        return format!(
            "banner has it already ({holder}), and an interface has only one slot for XDP. Let one \
             agent protect it: take the other one off ({way_out}), or leave {interface} out"
        );
    }
    format!(
        "another XDP program holds the slot ({holder}), and an interface has only one. Remove it \
         ({way_out}), or leave {interface} out"
    )
}

/// What came of an attempt to attach that failed.
pub(super) enum Refusal {
    /// The kernel would not have it.
    Kernel(KernelWord),
    Other(XdpError),
}

/// The kernel's word.
pub(super) struct KernelWord {
    code: Option<i32>,
    pub(super) words: String,
}

impl KernelWord {
    fn new(error: &io::Error) -> Self {
        Self {
            code: error.raw_os_error(),
            words: error.to_string(),
        }
    }

    /// Whether there is a program already, here or at an interface that this one is a part of.
    pub(super) fn is_taken(&self) -> bool {
        matches!(self.code, Some(nix::libc::EBUSY | nix::libc::EEXIST))
    }

    /// With what most often is behind it: the kernel gives a number, the driver's own message is
    /// seldom passed on.
    pub(super) fn why_not_native(&self, interface: &Interface) -> String {
        let hint = match self.code {
            Some(nix::libc::EOPNOTSUPP) if interface.is("bond") => {
                "a bond has it since 5.15, in the modes balance-rr, active-backup, balance-xor and \
                 802.3ad, and only while each of its slaves can do native XDP and has no program of \
                 its own"
            }
            Some(nix::libc::EOPNOTSUPP) => {
                "the driver has none, or none with the MTU and offloads that are set"
            }
            Some(nix::libc::EINVAL | nix::libc::ERANGE) => {
                "the MTU, or that of a veth's peer, may be too large for it"
            }
            _ => return self.words.clone(),
        };
        format!("{}; {hint}", self.words)
    }
}

impl From<ProgramError> for Refusal {
    fn from(error: ProgramError) -> Self {
        match error {
            ProgramError::SyscallError(error) => Self::Kernel(KernelWord::new(&error.io_error)),
            // Here the driver's own message comes with it.
            ProgramError::XdpError(AyaXdpError::NetlinkError(error)) => Self::Kernel(KernelWord {
                code: error.raw_os_error(),
                words: error.to_string(),
            }),
            error => Self::Other(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hint_fits_the_kernels_number_and_the_interface() {
        let word = |code| KernelWord::new(&io::Error::from_raw_os_error(code));
        let plain = Interface::default();
        let bond = Interface {
            kind: Some("bond".into()),
            ..Interface::default()
        };
        let hint = word(nix::libc::EOPNOTSUPP).why_not_native(&plain);
        assert!(hint.contains("offloads"), "{hint}");
        let hint = word(nix::libc::EOPNOTSUPP).why_not_native(&bond);
        assert!(hint.contains("slaves"), "{hint}");
        let hint = word(nix::libc::ERANGE).why_not_native(&plain);
        assert!(hint.contains("MTU"), "{hint}");
        assert!(word(nix::libc::EBUSY).is_taken() && word(nix::libc::EEXIST).is_taken());
        assert!(!word(nix::libc::EOPNOTSUPP).is_taken());
    }

    #[test]
    fn another_agent_is_called_by_its_name() {
        let holder = Holder {
            program: Some(3),
            name: Some("banner".into()),
            pin: Some("/sys/fs/bpf/other/link-eth0".into()),
            ..Holder::default()
        };
        let error = AttachError::Taken {
            interface: "eth0".into(),
            holder: Box::new(holder),
        };
        let said = error.to_string();
        assert!(said.contains("banner has it already"), "{said}");
        assert!(
            said.contains("--pin-dir /sys/fs/bpf/other --interface eth0 detach"),
            "{said}"
        );
    }
}
