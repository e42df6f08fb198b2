use anyhow::Result;
use banner_common::Reason;
use banner_tests::{
    bpf::Object,
    frame::{Frame, tcp_syn},
    wait::{PATIENCE, wait_until},
};

use super::{
    cast,
    row::{Row, until},
};

#[test]
fn a_ban_ends_with_the_jiffy_before_its_expiry() -> Result<()> {
    let mut object = Object::load()?;
    for cast in [cast::v4(), cast::v6()] {
        let frame = || cast.frame(Frame::new(), tcp_syn());
        // The rows say something only when the jiffy did not change while they were tried.
        wait_until("two runs within one jiffy", PATIENCE, || {
            let now = object.clock()?.jiffies;
            let over = Row::pass("its expiry is now", frame(), Reason::Expired)
                .ban(cast.source, until(now))
                .check(&mut object);
            let holds = Row::drop("its expiry is the next jiffy", frame())
                .ban(cast.source, until(now + 1))
                .check(&mut object);
            if object.clock()?.jiffies != now {
                return Ok(false);
            }
            over.and(holds).map(|()| true)
        })?;
    }
    Ok(())
}
