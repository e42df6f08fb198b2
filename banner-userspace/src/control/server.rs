//! The agent's end of the socket.

use std::{
    convert::Infallible,
    fs, io,
    net::IpAddr,
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::fs::{DirBuilderExt as _, FileTypeExt as _, MetadataExt as _},
    },
    path::{Path, PathBuf},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    Method, Response, StatusCode,
    body::{Bytes, Incoming},
    header::CONTENT_TYPE,
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use nix::sys::{
    socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, socket},
    stat::{Mode, umask},
};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{Semaphore, mpsc, oneshot},
    time::timeout,
};

use super::{
    bans::{self, AllUnbanned, BanOrder, BanPage, BanRequest, Banned, MOST, Unbanned},
    explain::Explanation,
    jail::JailDetail,
    reload::{NotReloaded, Reloaded, Stopping},
    status::Status,
    top::{FEW, Top},
    trace::{TraceRequest, Tracing},
};
use crate::sys;

/// How many clients are served at once; others wait.
const CONNECTIONS: usize = 32;

/// How long a client may take for all it wants.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same for one whose request takes the agent long.
const LONG_PATIENCE: Duration = Duration::from_mins(1);

/// Bytes of a request. [`MOST`] bans take less than a quarter of it.
const LONGEST: usize = 4 << 20;

/// A request, and where its answer goes.
#[derive(Debug)]
pub enum Request {
    /// How are things?
    Status(oneshot::Sender<Status>),
    /// How is the jail of this name? Or why that cannot be told.
    Jail(String, oneshot::Sender<Result<Box<JailDetail>, String>>),
    /// Who is banned? At most so many of them, after this place in the list.
    Bans(usize, u64, oneshot::Sender<BanPage>),
    /// Who sends most of what bans keep out? So many of them.
    Top(usize, oneshot::Sender<Result<Top, String>>),
    /// Ban these.
    Ban(BanOrder, oneshot::Sender<Result<Banned, String>>),
    /// End every ban on a host or on just this prefix.
    Unban(IpNet, oneshot::Sender<Unbanned>),
    /// End bans on at most so many hosts and prefixes.
    UnbanSome(usize, oneshot::Sender<AllUnbanned>),
    /// Why is it banned, or not?
    Explain(IpNet, oneshot::Sender<Explanation>),
    /// Read the configuration again.
    Reload(oneshot::Sender<Result<Reloaded, NotReloaded>>),
    /// Stop.
    Stop(oneshot::Sender<Stopping>),
    /// Log every packet of this address for so long; or none any more.
    Trace(
        Option<(IpAddr, Duration)>,
        oneshot::Sender<Result<Tracing, String>>,
    ),
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
            Ok(_) if is_live(path)? => {
                return Err(io::Error::new(
                    io::ErrorKind::AddrInUse,
                    "another agent is listening there",
                ));
            }
            Ok(_) => fs::remove_file(path)?,
            Err(_) => {}
        }
        // From the first moment on: who connects before a chmod stays connected after it.
        let umask = umask(Mode::from_bits_truncate(0o117));
        let listener = UnixListener::bind(path);
        nix::sys::stat::umask(umask);
        let listener = listener?;
        Ok(Self {
            path: path.to_owned(),
            listener,
        })
    }

    /// Answers until it is dropped; requests go to `agent`.
    pub async fn serve(&self, agent: mpsc::Sender<Request>) -> Infallible {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            // The semaphore is never closed.
            let place = places.clone().acquire_owned().await.ok();
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let agent = agent.clone();
                    let refused = refusal(&stream, &self.path);
                    tokio::spawn(async move {
                        let takes_long = AtomicBool::new(false);
                        let mut served = pin!(connection(stream, agent, refused, &takes_long));
                        // Who is slower than that has gone, or means no good.
                        let served_late = timeout(PATIENCE, served.as_mut()).await.is_err();
                        if served_late && takes_long.load(Ordering::Relaxed) {
                            let _ = timeout(LONG_PATIENCE, served).await;
                        }
                        drop(place);
                    });
                }
                // Out of descriptors or of memory: those who are connected come first.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

/// Whether somebody listens on a socket. One that is too busy to answer does.
fn is_live(path: &Path) -> io::Result<bool> {
    let probe = socket(
        AddressFamily::Unix,
        SockType::Stream,
        SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC,
        None,
    )?;
    match connect(probe.as_raw_fd(), &UnixAddr::new(path)?) {
        Ok(()) | Err(nix::Error::EAGAIN) => Ok(true),
        Err(nix::Error::ECONNREFUSED) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already; there is nobody to tell.
        let _ = fs::remove_file(&self.path);
    }
}

/// Why whoever is at the other end may not ask: it takes root, the agent's own user, or somebody in the
/// group of the socket. The mode of the socket says the same, unless somebody has changed it.
fn refusal(stream: &UnixStream, socket: &Path) -> Option<String> {
    let Ok(peer) = stream.peer_cred() else {
        return Some("it cannot be told who asks".into());
    };
    let own = nix::unistd::geteuid().as_raw();
    let group = fs::metadata(socket).map(|found| found.gid()).ok();
    let groups = sys::peer::groups(stream.as_fd()).unwrap_or_default();
    let belongs = |group: u32| peer.gid() == group || groups.contains(&group);
    if [0, own].contains(&peer.uid()) || group.is_some_and(belongs) {
        return None;
    }
    Some(format!(
        "user {} is neither root nor in the group of {}",
        peer.uid(),
        socket.display()
    ))
}

async fn connection(
    stream: UnixStream,
    agent: mpsc::Sender<Request>,
    refused: Option<String>,
    takes_long: &AtomicBool,
) {
    let service = service_fn(|request| async {
        match &refused {
            Some(why) => Ok(error(StatusCode::FORBIDDEN, why)),
            None => answer(request, &agent, takes_long).await,
        }
    });
    // A client that breaks off is its own business.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    request: hyper::Request<Incoming>,
    agent: &mpsc::Sender<Request>,
    takes_long: &AtomicBool,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let query = head.uri.query();
    Ok(match (&head.method, path, path.strip_prefix("/v1/bans/")) {
        (&Method::GET, "/v1/status", _) => ask(agent, Request::Status).await,
        (&Method::GET, path, _) if path.starts_with("/v1/jails/") => {
            let name = path.trim_start_matches("/v1/jails/").to_owned();
            match exchange(agent, |reply| Request::Jail(name, reply)).await {
                Some(Ok(jail)) => json(StatusCode::OK, &jail),
                Some(Err(why)) => error(StatusCode::NOT_FOUND, &why),
                None => stopping(),
            }
        }
        (&Method::GET, "/v1/bans", _) => match page(query) {
            Ok((limit, after)) => ask(agent, |reply| Request::Bans(limit, after, reply)).await,
            Err(why) => error(StatusCode::BAD_REQUEST, &why),
        },
        (&Method::GET, "/v1/top", _) => match page(query) {
            Ok((limit, _)) => {
                let limit = if query.is_none() { FEW } else { limit };
                match exchange(agent, |reply| Request::Top(limit, reply)).await {
                    Some(Ok(top)) => json(StatusCode::OK, &top),
                    Some(Err(why)) => error(StatusCode::INTERNAL_SERVER_ERROR, &why),
                    None => stopping(),
                }
            }
            Err(why) => error(StatusCode::BAD_REQUEST, &why),
        },
        (&Method::POST, "/v1/bans", _) => match order(body).await {
            Ok(order) => ban(agent, order).await,
            Err((status, why)) => error(status, &why),
        },
        (&Method::DELETE, "/v1/bans", _) => {
            ask(agent, |reply| Request::UnbanSome(MOST, reply)).await
        }
        (&Method::POST, "/v1/reload", _) => {
            takes_long.store(true, Ordering::Relaxed);
            match exchange(agent, Request::Reload).await {
                Some(Ok(reloaded)) => json(StatusCode::OK, &reloaded),
                Some(Err(refused)) => not_reloaded(&refused),
                None => stopping(),
            }
        }
        (&Method::GET, path, _) if path.starts_with("/v1/explain/") => {
            match bans::net(path.trim_start_matches("/v1/explain/")) {
                Ok(net) => ask(agent, |reply| Request::Explain(net, reply)).await,
                Err(why) => error(StatusCode::BAD_REQUEST, &why),
            }
        }
        (&Method::POST, "/v1/stop", _) => ask(agent, Request::Stop).await,
        (&Method::POST, "/v1/trace", _) => match said::<TraceRequest>(body).await {
            Ok(request) => match request.check() {
                Ok(order) => trace(agent, Some(order)).await,
                Err(why) => error(StatusCode::BAD_REQUEST, &why),
            },
            Err((status, why)) => error(status, &why),
        },
        (&Method::DELETE, "/v1/trace", _) => trace(agent, None).await,
        (&Method::DELETE, _, Some(net)) => match bans::net(net) {
            Ok(net) => ask(agent, |reply| Request::Unban(net, reply)).await,
            Err(why) => error(StatusCode::BAD_REQUEST, &why),
        },
        _ => error(StatusCode::NOT_FOUND, "no such resource"),
    })
}

/// `limit` and `after` of a query.
fn page(query: Option<&str>) -> Result<(usize, u64), String> {
    let (mut limit, mut after) = (MOST, 0);
    for part in query.into_iter().flat_map(|query| query.split('&')) {
        let number = |text: &str| text.parse().map_err(|_| format!("{part}: not a number"));
        match part.split_once('=') {
            Some(("limit", text)) => {
                let wanted: u64 = number(text)?;
                limit = usize::try_from(wanted).unwrap_or(MOST).clamp(1, MOST);
            }
            Some(("after", text)) => after = number(text)?,
            _ => return Err(format!("{part}: neither limit=NUMBER nor after=NUMBER")),
        }
    }
    Ok((limit, after))
}

/// Which bans a body asks for.
async fn order(request: Incoming) -> Result<BanOrder, (StatusCode, String)> {
    let request: BanRequest = said(request).await?;
    let bad = |why: String| (StatusCode::BAD_REQUEST, why);
    request.order().map_err(bad)
}

/// What a body says.
async fn said<T: DeserializeOwned>(body: Incoming) -> Result<T, (StatusCode, String)> {
    let body = Limited::new(body, LONGEST).collect().await.map_err(|_| {
        let why = format!("more than {LONGEST} bytes, or broken off");
        (StatusCode::PAYLOAD_TOO_LARGE, why)
    })?;
    serde_json::from_slice(&body.to_bytes())
        .map_err(|why| (StatusCode::BAD_REQUEST, why.to_string()))
}

async fn trace(
    agent: &mpsc::Sender<Request>,
    order: Option<(IpAddr, Duration)>,
) -> Response<Full<Bytes>> {
    match exchange(agent, |reply| Request::Trace(order, reply)).await {
        Some(Ok(tracing)) => json(StatusCode::OK, &tracing),
        Some(Err(why)) => error(StatusCode::CONFLICT, &why),
        None => stopping(),
    }
}

async fn ban(agent: &mpsc::Sender<Request>, order: BanOrder) -> Response<Full<Bytes>> {
    match exchange(agent, |reply| Request::Ban(order, reply)).await {
        Some(Ok(banned)) => json(StatusCode::OK, &banned),
        Some(Err(why)) => error(StatusCode::BAD_REQUEST, &why),
        None => stopping(),
    }
}

async fn ask<T: Serialize>(
    agent: &mpsc::Sender<Request>,
    request: impl FnOnce(oneshot::Sender<T>) -> Request,
) -> Response<Full<Bytes>> {
    match exchange(agent, request).await {
        Some(answer) => json(StatusCode::OK, &answer),
        None => stopping(),
    }
}

/// The agent's answer, while it runs.
async fn exchange<T>(
    agent: &mpsc::Sender<Request>,
    request: impl FnOnce(oneshot::Sender<T>) -> Request,
) -> Option<T> {
    let (reply, answer) = oneshot::channel();
    agent.send(request(reply)).await.ok()?;
    answer.await.ok()
}

/// As every refusal, and problem by problem.
fn not_reloaded(refused: &NotReloaded) -> Response<Full<Bytes>> {
    let value = serde_json::json!({
        "error": refused.problems.join("\n"),
        "problems": refused.problems,
    });
    json(StatusCode::UNPROCESSABLE_ENTITY, &value)
}

fn stopping() -> Response<Full<Bytes>> {
    error(StatusCode::SERVICE_UNAVAILABLE, "the agent is stopping")
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
