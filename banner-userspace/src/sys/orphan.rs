//! Children that end when their parent does, in whatever way that is.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Command, id},
};

use nix::{
    errno::Errno,
    sys::{prctl::set_pdeathsig, signal::Signal},
    unistd::getppid,
};

/// The child is killed when the thread that starts it ends. For a thread that lives as long as the
/// process.
pub(crate) fn none_of(command: &mut Command) -> &mut Command {
    let parent = id();
    let ask = move || {
        set_pdeathsig(Signal::SIGKILL)?;
        // It may have died before that.
        if u32::try_from(getppid().as_raw()) == Ok(parent) {
            Ok(())
        } else {
            Err(io::Error::from(Errno::ESRCH))
        }
    };
    #[expect(
        unsafe_code,
        reason = "what runs between fork and exec may not do much"
    )]
    // SAFETY: two system calls; nothing is allocated, locked or dropped.
    unsafe {
        command.pre_exec(ask)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::process::ExitStatusExt as _,
        thread,
        time::{Duration, Instant},
    };

    use super::*;

    #[test]
    fn a_child_ends_with_the_thread_that_started_it() {
        let start = || none_of(Command::new("sleep").arg("1000")).spawn();
        let mut child = thread::spawn(start).join().unwrap().unwrap();
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if begin.elapsed() > Duration::from_secs(20) {
                child.kill().unwrap();
                panic!("it lives on");
            }
            thread::park_timeout(Duration::from_millis(1));
        };
        assert_eq!(status.signal(), Some(Signal::SIGKILL as i32));
    }
}
