//! Configurations that are wrong.

use std::fs;

use anyhow::{Result, ensure};

use super::site::{assert_has, assert_printable, site};

#[test]
fn all_mistakes_of_all_files_are_shown_with_their_lines_by_run_and_by_check() -> Result<()> {
    site(|site| {
        let seat = site.seat_with(
            "interface: [to-attacker]\n\
             jails:\n\
             \x20 sshd:\n\
             \x20   filter: sshd\n\
             \x20   logs: [auth.log]\n\
             \x20   max_retyr: 3\n\
             \x20   \"ban\\e[2J\": 1:30\n\
             include: [jails.d/*.yaml, more.yaml]\n",
        )?;
        let dir = site.lab.dir();
        fs::create_dir(dir.join("jails.d"))?;
        let jail = "jails:\n  web:\n    filter: { fail: ['(<HOST>'] }\n    logs: [/x]\n";
        fs::write(dir.join("jails.d/web.yaml"), jail)?;
        fs::write(dir.join("jails.d/broken.yaml"), "jails: [\n")?;

        let refused = seat.refusal()?;
        let main = seat.config.display().to_string();
        let included = |name: &str| dir.join("jails.d").join(name).display().to_string();
        assert_has(
            &refused,
            &[
                &format!("{main}:1:1: interface: unknown key; did you mean interfaces?"),
                &format!("{main}:5:12: jails.sshd.logs[0]: "),
                &format!("{main}:6:5: jails.sshd.max_retyr: unknown key; did you mean max_retry?"),
                &format!("{main}:7:5: jails.sshd.ban\\u{{1b}}[2J: "),
                &format!("{main}:8:27: include"),
                &format!("{}:3:", included("web.yaml")),
                &format!("{}:2:", included("broken.yaml")),
                "7 problems",
            ],
        )?;
        // From the first column, where an editor finds it.
        ensure!(refused.starts_with(&main), "{refused}");
        assert_printable(&refused)?;
        site.assert_untouched(&seat)?;

        let checked = seat.run("check")?;
        ensure!(checked.status.code() == Some(1), "{}", checked.status);
        ensure!(checked.stderr == refused, "{}", checked.stderr);
        ensure!(checked.stdout.is_empty(), "{}", checked.stdout);
        Ok(())
    })
}

#[test]
fn a_main_file_that_is_missing_is_named_with_what_to_do() -> Result<()> {
    site(|site| {
        let mut seat = site.seat()?;
        seat.config = site.lab.dir().join("none/banner.yaml");
        let name = seat.config.display().to_string();
        for subcommand in ["run", "check"] {
            let refused = seat.run(subcommand)?;
            ensure!(refused.status.code() == Some(1), "{}", refused.status);
            assert_has(&refused.stderr, &[&name, "does not exist", "--config FILE"])?;
        }
        // Neither is a folder a configuration.
        seat.config = site.lab.dir().to_owned();
        let refused = seat.refusal()?;
        assert_has(&refused, &[&site.lab.dir().display().to_string()])?;
        site.assert_untouched(&seat)
    })
}

#[test]
fn what_is_odd_but_not_wrong_is_said_and_the_agent_runs() -> Result<()> {
    site(|site| {
        let seat = site.seat_with("jails: {}\n")?;
        let mut agent = seat.start()?;
        let main = seat.config.display().to_string();
        agent.wait_to_say(&["WARN", &main, "no jail is enabled"])?;
        let checked = seat.run("check")?.succeeded()?.stdout;
        assert_has(&checked, &[&main, "no jail is enabled"])
    })
}
