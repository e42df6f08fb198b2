//! Standard input and named pipes.

use std::{fs::OpenOptions, io::Write as _, path::Path};

use anyhow::Result;
use banner_tests::wait::{PATIENCE, wait_until};
use nix::{sys::stat::Mode, unistd::mkfifo};

use super::scene::scene;

fn write(path: &Path, messages: &[String]) -> Result<()> {
    // It has a reader: else this would wait.
    let mut pipe = OpenOptions::new().write(true).open(path)?;
    Ok(pipe.write_all((messages.join("\n") + "\n").as_bytes())?)
}

#[test]
fn a_named_pipe_with_a_new_writer_each_time() -> Result<()> {
    scene(
        |dir| format!("{{ fifo: {dir}/lines }}"),
        |scene| {
            let path = scene.lab.dir().join("lines");
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
            let mut agent = scene.seat.start()?;
            scene.bans_by(&mut agent, |messages| write(&path, messages))?;
            assert!(scene.status_of("fifo ")?.contains(" 6 lines, "));
            Ok(())
        },
    )
}

#[test]
fn standard_input_and_its_end() -> Result<()> {
    scene(
        |_| "stdin".into(),
        |scene| {
            let path = scene.lab.dir().join("lines");
            mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
            let script = format!("exec \"$0\" \"$@\" <{}", path.display());
            scene.seat.through = vec!["sh".into(), "-c".into(), script];
            let mut spawned = scene.seat.spawn()?;
            // Both wait for each other.
            let mut pipe = OpenOptions::new().write(true).open(&path)?;
            wait_until("the agent to be ready", PATIENCE, || spawned.is_ready())?;
            scene.bans_by(&mut spawned, |messages| {
                Ok(pipe.write_all((messages.join("\n") + "\n").as_bytes())?)
            })?;
            drop(pipe);
            scene.seat.through.clear();
            wait_until("the end of its input", PATIENCE, || {
                Ok(scene.status_of(" stdin ")?.contains("at its end"))
            })
        },
    )
}
