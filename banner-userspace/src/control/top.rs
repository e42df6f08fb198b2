//! Who sends most of what bans keep out.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// How many hosts are told where nobody says how many.
pub const FEW: usize = 10;

/// Those whose packets met bans most often.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Top {
    /// Most packets first.
    pub hosts: Vec<TopHost>,
    /// Packets of all hosts that the kernel keeps count of, by samples: one in about 128 is counted,
    /// and for so many.
    pub packets: u64,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopHost {
    /// Its address.
    pub host: IpAddr,
    /// Packets, by samples.
    pub packets: u64,
    /// Whether it is banned now, or a prefix around it is.
    pub banned: bool,
}
