//! Files of containers.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
};

use anyhow::{Result, ensure};
use banner_tests::wait::{PATIENCE, wait_until};

use super::scene::scene;

fn append(path: &Path, text: &str) -> Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}

/// The stamp that a runtime puts before a line now.
fn stamp() -> String {
    let now = std::process::Command::new("date")
        .args(["-u", "+%Y-%m-%dT%H:%M:%S.%NZ"])
        .output();
    let now = now.map(|now| String::from_utf8_lossy(&now.stdout).trim().to_owned());
    now.unwrap_or_default()
}

#[test]
fn a_pod_that_comes_later_whose_lines_come_in_pieces() -> Result<()> {
    let logs = |dir: &str| format!("{{ cri: \"{dir}/pods/shop_*_*/*/*.log\" }}");
    scene(logs, |scene| {
        let mut agent = scene.seat.start()?;
        let folder = scene.lab.dir().join("pods/shop_web-1_8f0e/sshd");
        fs::create_dir_all(&folder)?;
        scene.bans_by(&mut agent, |messages| {
            for message in messages {
                let (head, tail) = message.split_at(20);
                let stamp = stamp();
                let text = format!(
                    "{stamp} stderr P {head}\n{stamp} stdout F x\n{stamp} stderr F {tail}\n"
                );
                append(&folder.join("0.log"), &text)?;
            }
            Ok(())
        })?;
        // Where it was tried is said with it, by the next agent, too.
        agent.wait_to_say(&[" ban ", " from=shop/web-1/sshd"])?;
        ensure!(agent.terminate()?.success(), "the agent failed");
        let _agent = scene.seat.start()?;
        let bans = scene.seat.run("bans")?.succeeded()?.stdout;
        let host = bans.lines().nth(1).and_then(|line| line.split(' ').next());
        let host = host.unwrap_or("nobody");
        let told = scene
            .seat
            .run(&format!("explain {host}"))?
            .succeeded()?
            .stdout;
        ensure!(told.contains("      [shop/web-1/sshd] "), "{told}");
        Ok(())
    })
}

#[test]
fn docker_by_the_name_of_the_container() -> Result<()> {
    scene(
        |_| "{ docker: { container: \"ssh*\" } }".into(),
        |scene| {
            let id = "0123456789abcdef";
            let folder = Path::new("/var/lib/docker/containers").join(id);
            fs::create_dir_all(&folder)?;
            fs::write(folder.join("config.v2.json"), r#"{"Name":"/sshd"}"#)?;
            let mut agent = scene.seat.start()?;
            scene.bans_by(&mut agent, |messages| {
                for message in messages {
                    let stamp = stamp();
                    let text = format!(
                        "{{\"log\":\"{message}\\n\",\"stream\":\"stderr\",\"time\":\"{stamp}\"}}\n"
                    );
                    append(&folder.join(format!("{id}-json.log")), &text)?;
                }
                Ok(())
            })?;
            append(&folder.join(format!("{id}-json.log")), "no json\n")?;
            wait_until("the line to be missed", PATIENCE, || {
                let said = scene.status_of("1 lines were not in the form")?;
                Ok(said.starts_with("PROBLEM"))
            })
        },
    )
}
