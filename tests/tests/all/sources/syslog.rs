//! Syslog that is sent to the agent.

use std::{
    io::Write as _,
    net::{TcpStream, UdpSocket},
    os::unix::net::UnixDatagram,
};

use anyhow::Result;
use banner_tests::topology::Family;

use super::scene::scene;

const PORT: u16 = 5514;

#[test]
fn datagrams_of_the_machine_itself_and_none_of_the_attacker() -> Result<()> {
    scene(
        |_| {
            format!(
                "{{ syslog: {{ listen: \"udp://[::]:{PORT}\", from: [127.0.0.0/8, \"::1/128\"] }} }}"
            )
        },
        |scene| {
            let mut agent = scene.seat.start()?;
            let server = &scene.topology.server;
            // What the attacker sends itself counts for nothing.
            let attacker = &scene.topology.attacker;
            for family in [Family::V4, Family::V6] {
                let to = attacker.server(family, PORT);
                let forged = super::scene::failure(attacker.address(family));
                attacker.namespace().inside(|| -> Result<()> {
                    let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                    let socket = UdpSocket::bind(any)?;
                    for _ in 0..10 {
                        socket.send_to(forged.as_bytes(), to)?;
                    }
                    Ok(())
                })??;
            }
            let mut n = 0;
            scene.bans_by(&mut agent, |messages| {
                server.inside(|| -> Result<()> {
                    for message in messages {
                        n += 1;
                        let (any, to) = if n % 2 == 0 {
                            ("127.0.0.1:0", "127.0.0.1")
                        } else {
                            ("[::1]:0", "[::1]")
                        };
                        let text = format!("<38>1 - host sshd 7 - - {message}");
                        UdpSocket::bind(any)?.send_to(text.as_bytes(), format!("{to}:{PORT}"))?;
                    }
                    Ok(())
                })?
            })
        },
    )
}

#[test]
fn a_connection_and_a_unix_socket() -> Result<()> {
    scene(
        |dir| {
            format!("{{ syslog: \"tcp://[::1]:{PORT}\" }}, {{ syslog: \"unix://{dir}/devlog\" }}")
        },
        |scene| {
            let mut agent = scene.seat.start()?;
            let server = &scene.topology.server;
            let mut stream = server.inside(|| TcpStream::connect(("::1", PORT)))??;
            let path = scene.lab.dir().join("devlog");
            let mut n = 0;
            scene.bans_by(&mut agent, |messages| {
                for message in messages {
                    n += 1;
                    let text = format!("<38>sshd[7]: {message}");
                    if n % 2 == 0 {
                        UnixDatagram::unbound()?.send_to(text.as_bytes(), &path)?;
                    } else {
                        write!(stream, "{} {text}", text.len())?;
                    }
                }
                Ok(())
            })
        },
    )
}
