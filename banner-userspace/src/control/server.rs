//! The agent's end of the socket.

use std::{
    convert::Infallible,
    fs, io,
    net::IpAddr,
    os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use http_body_util::Full;
use hyper::{
    Method, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
};

use super::status::{BanStatus, Status, Unbanned};

/// A request, and where its answer goes.
#[derive(Debug)]
pub enum Request {
    /// How are things?
    Status(oneshot::Sender<Status>),
    /// Who is banned?
    Bans(oneshot::Sender<Vec<BanStatus>>),
    /// End every ban on a host.
    Unban(IpAddr, oneshot::Sender<Unbanned>),
}

/// A socket that is being listened on. It is removed when this is dropped.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    listener: UnixListener,
}

impl Server {
    /// Makes the socket; readable and writable for its owner and group only. One that a dead agent
    /// left is replaced, one on which somebody listens is not.
    pub fn bind(path: &Path) -> io::Result<Self> {
        if let Some(parent) = path.parent() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(parent)?;
        }
        match fs::symlink_metadata(path) {
            Ok(found) if !found.file_type().is_socket() => {
                return Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "there is a file of this name that is no socket",
                ));
            }
            Ok(_) => match std::os::unix::net::UnixStream::connect(path) {
                Ok(_) => {
                    return Err(io::Error::new(
                        io::ErrorKind::AddrInUse,
                        "another agent is listening there",
                    ));
                }
                Err(_) => fs::remove_file(path)?,
            },
            Err(_) => {}
        }
        let listener = UnixListener::bind(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o660))?;
        Ok(Self {
            path: path.to_owned(),
            listener,
        })
    }

    /// Answers until it is dropped; requests go to `agent`.
    pub async fn serve(&self, agent: mpsc::Sender<Request>) -> Infallible {
        loop {
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    tokio::spawn(connection(stream, agent.clone()));
                }
                // Out of descriptors or of memory: those who are connected come first.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; there is nobody to tell.
        let _ = fs::remove_file(&self.path);
    }
}

async fn connection(stream: UnixStream, agent: mpsc::Sender<Request>) {
    let service = service_fn(|request| answer(request, &agent));
    // A client that breaks off is its own business.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: hyper::Request<Incoming>,
    agent: &mpsc::Sender<Request>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path();
    Ok(match (request.method(), path.strip_prefix("/v1/bans/")) {
        (&Method::GET, None) if path == "/v1/status" => ask(agent, Request::Status).await,
        (&Method::GET, None) if path == "/v1/bans" => ask(agent, Request::Bans).await,
        (&Method::DELETE, Some(host)) => match host.parse::<IpAddr>() {
            Ok(host) => ask(agent, |reply| Request::Unban(host.to_canonical(), reply)).await,
            Err(_) => error(StatusCode::BAD_REQUEST, "not an address"),
        },
        _ => error(StatusCode::NOT_FOUND, "no such resource"),
    })
}

async fn ask<T: Serialize>(
    agent: &mpsc::Sender<Request>,
    request: impl FnOnce(oneshot::Sender<T>) -> Request,
) -> Response<Full<Bytes>> {
    let (reply, answer) = oneshot::channel();
    if agent.send(request(reply)).await.is_err() {
        return error(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping");
    }
    match answer.await {
        Ok(answer) => json(StatusCode::OK, &answer),
        Err(_) => error(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping"),
    }
}

fn error(status: StatusCode, message: &str) -> Response<Full<Bytes>> {
    json(status, &serde_json::json!({ "error": message }))
}

fn json(status: StatusCode, value: &impl Serialize) -> Response<Full<Bytes>> {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}
