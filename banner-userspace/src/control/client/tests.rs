use std::os::unix::fs::PermissionsExt as _;

use tokio::sync::mpsc;

use super::{
    super::{
        JailStatus,
        bans::{MOST, Wanted, shown},
        server::{Request, Server},
    },
    *,
};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

/// Serves the requests that `client` makes, like an agent that knows one ban.
async fn with_agent<T>(server: Server, client: impl Future<Output = T>) -> T {
    let (sender, mut requests) = mpsc::channel(1);
    let agent = async {
        while let Some(request) = requests.recv().await {
            match request {
                Request::Status(reply) => {
                    let _ = reply.send(Status {
                        pid: 7,
                        ..Status::default()
                    });
                }
                Request::Jail(name, reply) => {
                    let status = JailStatus {
                        name,
                        ..JailStatus::default()
                    };
                    let jail = JailDetail {
                        max_retry: 7,
                        status,
                        ..JailDetail::default()
                    };
                    let known = jail.status.name == "ssh.d-1";
                    let _ = reply.send(known.then(|| Box::new(jail)).ok_or("no such jail".into()));
                }
                Request::Bans(limit, after, reply) => {
                    let next = (after == 0).then_some(limit as u64);
                    let _ = reply.send(BanPage {
                        bans: Vec::new(),
                        next,
                    });
                }
                Request::Top(..) => unreachable!("nobody asks"),
                Request::Ban(order, reply) => {
                    let banned = Banned {
                        banned: order.bans.len(),
                        ..Banned::default()
                    };
                    let known = order.jail.is_none();
                    let _ = reply.send(known.then_some(banned).ok_or("no such jail".into()));
                }
                Request::Unban(net, reply) => {
                    let _ = reply.send(Unbanned {
                        net: shown(net),
                        was_banned: net.addr().is_ipv4(),
                        within: Vec::new(),
                    });
                }
                Request::UnbanSome(most, reply) => {
                    let _ = reply.send(AllUnbanned {
                        unbanned: most,
                        more: false,
                    });
                }
                Request::Explain(net, reply) => {
                    let _ = reply.send(Explanation {
                        net: shown(net),
                        ..Explanation::default()
                    });
                }
                Request::Reload(reply) => {
                    let problems = vec!["a.yaml:1:2: x".into(), "1 problem".into()];
                    let _ = reply.send(Err(super::super::NotReloaded { problems }));
                }
                Request::Stop(reply) => {
                    let _ = reply.send(Stopping { pid: 7, bans: 2 });
                }
                Request::Trace(order, reply) => {
                    let seconds = order.map_or(0, |(_, time)| time.as_secs());
                    let _ = reply.send(if seconds == 13 {
                        Err("another address is being traced".into())
                    } else {
                        let programs = vec![u32::try_from(seconds).unwrap()];
                        Ok(Tracing {
                            programs,
                            ..Tracing::default()
                        })
                    });
                }
            }
        }
    };
    tokio::select! {
        answer = client => answer,
        () = agent => unreachable!("the sender lives"),
        never = server.serve(sender) => match never {},
    }
}

#[test]
fn questions_are_answered() {
    block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("run/banner.sock");
        let server = Server::bind(&socket).unwrap();
        let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let client = Client::new(&socket);
        with_agent(server, async {
            assert_eq!(client.status().await.unwrap().pid, 7);
            let jail = client.jail("ssh.d-1").await.unwrap();
            assert_eq!((&*jail.status.name, jail.max_retry), ("ssh.d-1", 7));
            let refused = client.jail("web").await.unwrap_err();
            assert!(
                matches!(&refused, ClientError::Refused { status, message }
                    if *status == 404 && message == "no such jail"),
                "{refused}"
            );
            let page = client.bans(0).await.unwrap();
            assert_eq!(page.next, Some(MOST as u64));
            assert_eq!(client.bans(5).await.unwrap().next, None);
            let mapped = client
                .unban("::ffff:192.0.2.1/128".parse().unwrap())
                .await
                .unwrap();
            assert_eq!((&*mapped.net, mapped.was_banned), ("192.0.2.1", true));
            let prefix = client.unban("192.0.2.0/24".parse().unwrap()).await;
            assert_eq!(prefix.unwrap().net, "192.0.2.0/24");
            assert_eq!(client.unban_some().await.unwrap().unbanned, MOST);
            let trace = |seconds| TraceRequest {
                address: "::ffff:192.0.2.7".parse().unwrap(),
                seconds,
            };
            assert_eq!(client.trace(&trace(60)).await.unwrap().programs, [60]);
            assert_eq!(client.trace_no_more().await.unwrap().programs, [0]);
            let explained = client.explain("2001:db8::/32".parse().unwrap()).await;
            assert_eq!(explained.unwrap().net, "2001:db8::/32");
            assert_eq!(client.stop().await.unwrap(), Stopping { pid: 7, bans: 2 });
            let refused = client.reload().await.unwrap_err();
            assert!(
                matches!(&refused, ClientError::Refused { status, message }
                    if *status == 422 && message == "a.yaml:1:2: x\n1 problem"),
                "{refused}"
            );
            for (seconds, why) in [(0, "not 1 to 3600"), (3601, "3601"), (13, "another")] {
                let refused = client.trace(&trace(seconds)).await.unwrap_err().to_string();
                assert!(refused.contains(why), "{refused}");
            }
            let wanted = |net: &str| Wanted {
                net: net.into(),
                time: None,
            };
            let mut request = BanRequest {
                bans: vec![wanted("192.0.2.7"); MOST],
                ..BanRequest::default()
            };
            assert_eq!(client.ban(&request).await.unwrap().banned, MOST);
            request.jail = Some("x".into());
            let refused = client.ban(&request).await.unwrap_err().to_string();
            assert!(refused.contains("no such jail"), "{refused}");
            request.bans.push(wanted("192.0.2.8"));
            let refused = client.ban(&request).await.unwrap_err().to_string();
            assert!(refused.contains("10001 bans in one request"), "{refused}");
            let long = Bytes::from(vec![b' '; 5 << 20]);
            let refused = client.ask::<Banned>(Method::POST, "/v1/bans", long).await;
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("more than 4194304 bytes"), "{refused}");
            for path in ["/v1/bans?limit=x", "/v1/bans?page=2"] {
                let refused = client.get::<BanPage>(path).await.unwrap_err();
                assert!(matches!(refused, ClientError::Refused { .. }), "{refused}");
            }
            let refused = client
                .ask::<Status>(Method::DELETE, "/v1/bans/x", Bytes::new())
                .await;
            assert!(matches!(refused, Err(ClientError::Refused { .. })));
            let refused = client.get::<Status>("/v2").await;
            assert!(matches!(refused, Err(ClientError::Refused { .. })));
        })
        .await;
        assert!(!socket.exists(), "the socket goes with the server");
        assert!(matches!(
            client.status().await,
            Err(ClientError::NoAgent { .. })
        ));
    });
}

#[test]
fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
    block_on(async {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("banner.sock");
        drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
        assert!(socket.exists());
        let _first = Server::bind(&socket).unwrap();
        let error = Server::bind(&socket).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        let file = dir.path().join("file");
        std::fs::write(&file, "mine").unwrap();
        assert!(Server::bind(&file).is_err());
        assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    });
}
