//! Without an agent: what is kept of bans, so that the next agent does not put them back.

use ipnet::IpNet;

use super::Options;
use crate::{config, store};

/// Ends the bans that are kept on disk: those of one prefix, or all. How many there were.
pub fn forget(options: &Options, net: Option<IpNet>) -> Result<usize, String> {
    // A configuration that is wrong by now names no other place.
    let configured = config::load(&options.config).ok();
    let path = configured.and_then(|config| config.store.path);
    store::forget(
        &path.unwrap_or_else(|| options.state_dir.join("banner.db")),
        net,
    )
}
