use std::net::SocketAddr;

use anyhow::Result;
use banner_tests::{
    account::Login,
    lab::Lab,
    netns::Namespace,
    nginx,
    process::Process,
    topology::{Family, Peer},
};

use crate::for_both_families;

use super::scene::{Daemon, three_failures_and_no_answer};

struct Nginx(#[expect(dead_code, reason = "killed when it is dropped")] Process);

impl Daemon for Nginx {
    const JAIL: &'static str = "nginx-http-auth";
    const PORT: u16 = 80;

    fn start(lab: &Lab, server: &Namespace) -> Result<Self> {
        nginx::start(lab, server, Self::PORT).map(Self)
    }

    fn try_login(from: &Peer, to: SocketAddr, right: bool) -> Result<Login> {
        nginx::try_login(from.namespace(), to, right)
    }
}

for_both_families!(basic_auth_refused_three_times_and_no_answer);

fn basic_auth_refused_three_times_and_no_answer(family: Family) -> Result<()> {
    three_failures_and_no_answer::<Nginx>(family)
}
