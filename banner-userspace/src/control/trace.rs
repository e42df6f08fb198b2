//! What is said of tracing.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

/// The longest that packets are traced for one request, in seconds.
pub const LONGEST_TRACE: u64 = 3600;

/// Log every packet of an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceRequest {
    /// Whose packets.
    pub address: IpAddr,
    /// For how long, 1 to [`LONGEST_TRACE`].
    pub seconds: u64,
}

impl TraceRequest {
    /// Address and time, if they are in order.
    pub(super) fn check(&self) -> Result<(IpAddr, Duration), String> {
        if !(1..=LONGEST_TRACE).contains(&self.seconds) {
            return Err(format!(
                "seconds: {}: not 1 to {LONGEST_TRACE}",
                self.seconds
            ));
        }
        Ok((
            self.address.to_canonical(),
            Duration::from_secs(self.seconds),
        ))
    }
}

/// Packets are being traced, or no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracing {
    /// The kernel's ids of the programs whose logs (aya-log's ring buffers) have them.
    pub programs: Vec<u32>,
    /// The interfaces that they are on, by their indices.
    pub interfaces: BTreeMap<u32, String>,
}
