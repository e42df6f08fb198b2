//! HTTP + JSON over a Unix socket: what the agent tells and does on request.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/status` | [`Status`] |
//! | `GET /v1/bans` | list of [`BanStatus`] |
//! | `DELETE /v1/bans/ADDRESS` | [`Unbanned`] |
//!
//! Errors are a status code and `{"error": "…"}`.

mod client;
mod server;
mod status;

pub use client::{Client, ClientError};
pub use server::{Request, Server};
pub use status::{
    BanStatus, FileStatus, InterfaceStatus, JailStatus, PacketStatus, SourceStatus, Status,
    Unbanned,
};
