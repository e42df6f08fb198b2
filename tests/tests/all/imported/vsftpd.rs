use std::net::SocketAddr;

use anyhow::Result;
use banner_tests::{
    account::Login,
    lab::Lab,
    netns::Namespace,
    process::Process,
    topology::{Family, Peer},
    vsftpd,
};

use crate::for_both_families;

use super::scene::{Daemon, three_failures_and_no_answer};

struct Vsftpd(#[expect(dead_code, reason = "killed when it is dropped")] Process);

impl Daemon for Vsftpd {
    const JAIL: &'static str = "vsftpd";
    const PORT: u16 = 21;

    fn start(lab: &Lab, server: &Namespace) -> Result<Self> {
        vsftpd::start(lab, server, Self::PORT).map(Self)
    }

    fn try_login(from: &Peer, to: SocketAddr, right: bool) -> Result<Login> {
        vsftpd::try_login(from.namespace(), to, right)
    }
}

for_both_families!(login_refused_three_times_and_no_answer);

fn login_refused_three_times_and_no_answer(family: Family) -> Result<()> {
    three_failures_and_no_answer::<Vsftpd>(family)
}
