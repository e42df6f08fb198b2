//! The command line's end of the socket.

use std::{
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use http_body_util::{BodyExt as _, Full};
use hyper::{Method, Request, StatusCode, body::Bytes, client::conn::http1, header::HOST};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use super::trace::{TraceRequest, Tracing};
use super::{
    bans::{AllUnbanned, BanPage, BanRequest, Banned, Unbanned},
    explain::Explanation,
    jail::JailDetail,
    reload::{Reloaded, Stopping},
    status::Status,
    top::Top,
};

/// How long an agent may take to answer. It answers between two reads, so in milliseconds.
const DEADLINE: Duration = Duration::from_secs(10);

/// The same where it has to read a configuration and compile its filters.
const LONG_DEADLINE: Duration = Duration::from_mins(1);

/// Asks a running agent.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no agent answers at {}: {source}", socket.display())]
    NoAgent {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// This user may not ask.
    #[error("{}: {source}; the agent answers root and the socket's group", socket.display())]
    Denied {
        /// The socket.
        socket: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It did not answer in time.
    #[error("the agent at {} did not answer within {} s", socket.display(), waited.as_secs())]
    Late {
        /// The socket.
        socket: PathBuf,
        /// For how long it was waited.
        waited: Duration,
    },
    /// It does not speak HTTP, or not to the end.
    #[error("the agent broke off")]
    Http(#[from] hyper::Error),
    /// It refused.
    #[error("the agent refused ({status}): {message}")]
    Refused {
        /// HTTP status.
        status: StatusCode,
        /// In its words.
        message: String,
    },
    /// The answer has another shape: another version.
    #[error("the agent's answer is not understood; is it of another version?")]
    Shape(#[from] serde_json::Error),
}

impl Client {
    /// For the agent that listens on this socket.
    pub fn new(socket: &Path) -> Self {
        Self {
            socket: socket.to_owned(),
        }
    }

    /// How are things?
    pub async fn status(&self) -> Result<Status, ClientError> {
        self.get("/v1/status").await
    }

    /// How is this jail? Its name is one that [`jail_name`](super::jail_name) lets through.
    pub async fn jail(&self, name: &str) -> Result<JailDetail, ClientError> {
        self.get(&format!("/v1/jails/{name}")).await
    }

    /// Who is banned? Those after this place in the list; 0 for its beginning.
    pub async fn bans(&self, after: u64) -> Result<BanPage, ClientError> {
        self.get(&format!("/v1/bans?after={after}")).await
    }

    /// Who sends most of what bans keep out?
    pub async fn top(&self, limit: usize) -> Result<Top, ClientError> {
        self.get(&format!("/v1/top?limit={limit}")).await
    }

    /// Bans.
    pub async fn ban(&self, request: &BanRequest) -> Result<Banned, ClientError> {
        let body = serde_json::to_vec(request)?;
        self.ask(Method::POST, "/v1/bans", body.into()).await
    }

    /// Ends every ban on a host or on just this prefix.
    pub async fn unban(&self, net: IpNet) -> Result<Unbanned, ClientError> {
        let path = format!("/v1/bans/{net}");
        self.ask(Method::DELETE, &path, Bytes::new()).await
    }

    /// Ends some of the bans, and says whether there are more.
    pub async fn unban_some(&self) -> Result<AllUnbanned, ClientError> {
        self.ask(Method::DELETE, "/v1/bans", Bytes::new()).await
    }

    /// Why is this host or prefix banned, or not?
    pub async fn explain(&self, net: IpNet) -> Result<Explanation, ClientError> {
        self.get(&format!("/v1/explain/{net}")).await
    }

    /// Has the configuration read again.
    pub async fn reload(&self) -> Result<Reloaded, ClientError> {
        self.ask_within(LONG_DEADLINE, Method::POST, "/v1/reload", Bytes::new())
            .await
    }

    /// Has it stop.
    pub async fn stop(&self) -> Result<Stopping, ClientError> {
        self.ask(Method::POST, "/v1/stop", Bytes::new()).await
    }

    /// Has packets traced. `root` can read them in the logs of the programs.
    pub async fn trace(&self, request: &TraceRequest) -> Result<Tracing, ClientError> {
        let body = serde_json::to_vec(request)?;
        self.ask(Method::POST, "/v1/trace", body.into()).await
    }

    /// Has no packets traced any more.
    pub async fn trace_no_more(&self) -> Result<Tracing, ClientError> {
        self.ask(Method::DELETE, "/v1/trace", Bytes::new()).await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.ask(Method::GET, path, Bytes::new()).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        self.ask_within(DEADLINE, method, path, body).await
    }

    async fn ask_within<T: DeserializeOwned>(
        &self,
        deadline: Duration,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let late = || ClientError::Late {
            socket: self.socket.clone(),
            waited: deadline,
        };
        tokio::time::timeout(deadline, self.exchange(method, path, body))
            .await
            .map_err(|_| late())?
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|source| {
            let socket = self.socket.clone();
            if source.kind() == io::ErrorKind::PermissionDenied {
                ClientError::Denied { socket, source }
            } else {
                ClientError::NoAgent { socket, source }
            }
        })?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap_or_default();
        request
            .headers_mut()
            .insert(HOST, hyper::header::HeaderValue::from_static("banner"));
        let response = sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK {
            let answer: serde_json::Value = serde_json::from_slice(&body)?;
            let message = answer["error"]
                .as_str()
                .unwrap_or("without a word")
                .to_owned();
            return Err(ClientError::Refused { status, message });
        }
        Ok(serde_json::from_slice(&body)?)
    }
}

#[cfg(test)]
mod tests;
