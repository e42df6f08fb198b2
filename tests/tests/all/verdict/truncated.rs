//! Frames that end early: at every length before the source address is complete they pass and
//! count as malformed, and from there on the ban holds.

use anyhow::{Result, ensure};
use banner_common::Reason;
use banner_tests::{
    bpf::Object,
    frame::{Frame, QINQ, VLAN, none},
};

use super::{
    cast,
    row::{FOR_EVER, Row},
};

/// `BPF_PROG_TEST_RUN` takes no frame shorter than an Ethernet header.
const SHORTEST: usize = 14;

#[test]
fn a_frame_that_ends_inside_its_headers_passes_as_malformed() -> Result<()> {
    let mut object = Object::load()?;
    let mut checked = 0;
    for cast in [cast::v4(), cast::v6()] {
        for tags in [&[][..], &[VLAN], &[QINQ, VLAN]] {
            let frame = tags
                .iter()
                .fold(Frame::new(), |frame, &kind| frame.tag(kind, 7));
            // It ends where the fixed header does.
            let frame = cast.frame(frame, none());
            let what = |length| format!("{}, {} tags, {length} bytes", cast.family, tags.len());
            for length in SHORTEST..frame.len() {
                Row::pass(what(length), frame[..length].to_vec(), Reason::Malformed)
                    .ban(cast.source, FOR_EVER)
                    .check(&mut object)?;
                checked += 1;
            }
            Row::drop(what(frame.len()), frame)
                .ban(cast.source, FOR_EVER)
                .check(&mut object)?;
        }
    }
    println!("truncated frames: {checked}");
    // IPv4 with 0, 4, 8 bytes of tags, and IPv6.
    ensure!(
        checked == 3 * 20 + 3 * 40 + 2 * (4 + 8),
        "lengths got lost: {checked}"
    );
    Ok(())
}
