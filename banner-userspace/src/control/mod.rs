//! HTTP + JSON over a Unix socket: what the agent tells and does on request.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/status` | [`Status`] |
//! | `GET /v1/jails/NAME` | [`JailDetail`], or status 404 |
//! | `GET /v1/bans?limit=N&after=NEXT` | [`BanPage`] |
//! | `POST /v1/bans` with a [`BanRequest`] | [`Banned`] |
//! | `DELETE /v1/bans/ADDRESS` or `/PREFIX` | [`Unbanned`] |
//! | `GET /v1/explain/ADDRESS` or `/PREFIX` | [`Explanation`] |
//! | `GET /v1/top?limit=N` | [`Top`] |
//! | `DELETE /v1/bans` | [`AllUnbanned`] |
//! | `POST /v1/reload` | [`Reloaded`], or status 422 and [`NotReloaded`] |
//! | `POST /v1/stop` | [`Stopping`] |
//! | `POST /v1/trace` with a [`TraceRequest`] | [`Tracing`] |
//! | `DELETE /v1/trace` | [`Tracing`] |
//!
//! Errors are a status code and `{"error": "…"}`.

mod bans;
mod client;
mod explain;
mod jail;
mod reload;
mod server;
mod status;
mod top;
mod trace;

pub use bans::{
    AllUnbanned, BanOrder, BanPage, BanRequest, BanStatus, Banned, MOST, Permanent, RefusedBan,
    Time, Unbanned, Wanted, net, shown,
};
pub use client::{Client, ClientError};
pub use explain::{Counted, Explained, Explanation, LineStatus, Reason};
pub use jail::{JailDetail, LastFailure, jail_name};
pub use reload::{NotReloaded, Reloaded, Stopping};
pub use server::{Request, Server};
pub use status::{
    EnforcerStatus, FileStatus, InterfaceStatus, JailStatus, NamesStatus, NotifyStatus,
    PacketStatus, SourceStatus, Status, StoreStatus, StreamStatus,
};
pub use top::{FEW, Top, TopHost};
pub use trace::{LONGEST_TRACE, TraceRequest, Tracing};
