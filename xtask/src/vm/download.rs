//! Getting a kernel of Debian into the cache, without touching the machine's apt.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, bail, ensure};

use super::kernels::{FLAVOUR, Kernel, newest};
use crate::{command, install, places};

/// Names a mirror of Debian where the machine's own apt has none.
const MIRROR: &str = "BANNER_DEBIAN_MIRROR";

/// Keys of all releases; part of every Debian.
const KEYS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
];

/// A kernel as it lies in the cache.
pub(super) struct Files {
    /// What boots.
    pub(super) image: PathBuf,
    /// The folder below which its modules are.
    pub(super) modules: PathBuf,
    /// The package's own version of it.
    pub(super) version: String,
}

/// The kernel from the cache, where it is downloaded to when it is not there yet. It stays as it
/// is there until somebody removes the folder.
pub(super) fn kernel(kernel: &Kernel) -> Result<Files> {
    let kernels = places::cache()?.join("kernels");
    let folder = kernels.join(kernel.version);
    if !folder.exists() {
        fs::create_dir_all(&kernels).with_context(|| format!("making {}", kernels.display()))?;
        // Renamed when whole, so that what stands at `folder` is never half a kernel.
        let work = kernels.join(format!("{}.{}", kernel.version, std::process::id()));
        let done = download(kernel, &work).and_then(|()| {
            fs::rename(work.join("kernel"), &folder)
                .with_context(|| format!("making {}", folder.display()))
        });
        let cleared = fs::remove_dir_all(&work);
        done.with_context(|| format!("downloading Linux {}", kernel.version))?;
        cleared.with_context(|| format!("removing {}", work.display()))?;
    }
    files(&folder).with_context(|| format!("{}; remove it to download it anew", folder.display()))
}

fn files(folder: &Path) -> Result<Files> {
    let version = folder.join("version");
    let mut images = Vec::new();
    let mut modules = Vec::new();
    // `vmlinuz-VERSION` in /boot, or `vmlinuz` beside the modules.
    super::modules::walk(folder, &mut |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.starts_with("vmlinuz") {
            images.push(path.to_path_buf());
        } else if name.starts_with("veth.ko") {
            let kernel = path.ancestors().find(|place| place.ends_with("kernel"));
            modules.extend(kernel.map(Path::to_path_buf));
        }
    })?;
    let [image] = &images[..] else {
        bail!("{} files are named vmlinuz, not one", images.len());
    };
    let [modules] = &modules[..] else {
        bail!("{} folders have modules, not one", modules.len());
    };
    Ok(Files {
        image: image.clone(),
        modules: modules.clone(),
        version: fs::read_to_string(&version)
            .with_context(|| format!("reading {}", version.display()))?,
    })
}

fn download(kernel: &Kernel, work: &Path) -> Result<()> {
    ensure!(
        install::has_apt(),
        "Debian's kernels are fetched with apt-get, which this machine lacks"
    );
    let apt = Apt::new(kernel, work)?;
    command::run(apt.get().args(["-q", "update"]))?;
    let first = kernel.packages[0];
    let names = command::read(apt.command("apt-cache").args([
        "search",
        "--names-only",
        &format!("^{first}"),
    ]))?;
    let release = newest(&names, first, kernel.version).with_context(|| {
        format!(
            "Debian's {} has no {first}{}.*{FLAVOUR} any more: see the matrix in \
             xtask/src/vm/kernels.rs",
            kernel.suites.join(", "),
            kernel.version
        )
    })?;
    let unpacked = work.join("kernel");
    fs::create_dir(&unpacked)?;
    for prefix in kernel.packages {
        let package = format!("{prefix}{release}");
        command::run(apt.get().args(["-q", "download", &package]))?;
        let archive = install::archive_in(work)?;
        command::run(Command::new("dpkg").arg("-x").arg(&archive).arg(&unpacked))?;
        let version = command::read(
            Command::new("dpkg-deb")
                .arg("-f")
                .arg(&archive)
                .arg("Version"),
        )?;
        fs::write(unpacked.join("version"), version)?;
        fs::remove_file(&archive)?;
    }
    Ok(())
}

/// apt with sources and state of its own below `work`; only its keys and mirrors are the machine's.
struct Apt<'a> {
    work: &'a Path,
}

impl<'a> Apt<'a> {
    fn new(kernel: &Kernel, work: &'a Path) -> Result<Self> {
        for folder in ["lists/partial", "cache/archives/partial"] {
            let folder = work.join(folder);
            fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let keys = KEYS.into_iter().find(|keys| Path::new(keys).exists());
        let list = sources(kernel, &Mirrors::find()?, keys);
        let file = work.join("sources.list");
        fs::write(&file, list).with_context(|| format!("writing {}", file.display()))?;
        Ok(Self { work })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let place = |name: &str| self.work.join(name).display().to_string();
        for setting in [
            format!("Dir::Etc::sourcelist={}", place("sources.list")),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::Lists={}", place("lists")),
            format!("Dir::Cache={}", place("cache")),
            // The machine's architectures may be more, and these packages exist for one.
            "APT::Architectures=amd64".to_owned(),
            "Acquire::Languages=none".to_owned(),
        ] {
            command.args(["-o", &setting]);
        }
        if command::is_root() {
            // Else apt's own user would need the right to write into the cache.
            command.args(["-o", "APT::Sandbox::User=root"]);
        }
        command.current_dir(self.work);
        command
    }

    fn get(&self) -> Command {
        self.command("apt-get")
    }
}

/// Where Debian's archives are.
#[derive(Debug, PartialEq, Eq)]
struct Mirrors {
    main: String,
    security: String,
}

impl Mirrors {
    fn find() -> Result<Self> {
        if let Some(main) = env::var(MIRROR).ok().filter(|mirror| !mirror.is_empty()) {
            return Ok(Self::beside(&main));
        }
        let known = command::read(Command::new("apt-get").args([
            "indextargets",
            "--format",
            "$(ORIGIN) $(LABEL) $(REPO_URI)",
            "Created-By: Packages",
        ]))?;
        Self::among(&known).with_context(|| {
            format!(
                "apt on this machine knows no mirror of Debian (after `apt-get update`); name one \
                 in {MIRROR}, a URL that ends with /debian"
            )
        })
    }

    /// From lines of origin, label and address.
    fn among(known: &str) -> Option<Self> {
        let of = |label: &str| {
            known
                .lines()
                .find_map(|line| line.strip_prefix("Debian ")?.strip_prefix(label))
                .map(|address| address.trim().trim_end_matches('/').to_owned())
        };
        let main = of("Debian ")?;
        let beside = Self::beside(&main);
        Some(Self {
            security: of("Debian-Security ").unwrap_or(beside.security),
            main,
        })
    }

    /// With the security archive where mirrors have it: beside the main one.
    fn beside(main: &str) -> Self {
        let main = main.trim_end_matches('/').to_owned();
        Self {
            security: format!("{main}-security"),
            main,
        }
    }
}

fn sources(kernel: &Kernel, mirrors: &Mirrors, keys: Option<&str>) -> String {
    let signed = keys.map_or(String::new(), |keys| format!(" signed-by={keys}"));
    let line = |suite: &&str| {
        let mirror = if suite.ends_with("-security") {
            &mirrors.security
        } else {
            &mirrors.main
        };
        format!("deb [arch=amd64 target=Packages{signed}] {mirror} {suite} main\n")
    };
    let lines: Vec<_> = kernel.suites.iter().map(line).collect();
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_those_of_the_machine() {
        let known = "nodistro x https://packages.example/\n\
                     Debian Debian https://mirror.example/debian/\n\
                     Debian Debian-Security https://security.example/debian-security/\n";
        let mirrors = Mirrors::among(known).unwrap();
        assert_eq!(mirrors.main, "https://mirror.example/debian");
        assert_eq!(mirrors.security, "https://security.example/debian-security");
        let alone = Mirrors::among("Debian Debian https://mirror.example/debian/").unwrap();
        assert_eq!(alone.security, "https://mirror.example/debian-security");
        assert_eq!(Mirrors::among("Ubuntu Ubuntu https://x.example/"), None);
    }

    #[test]
    fn every_suite_gets_its_archive() {
        let mirrors = Mirrors::beside("https://mirror.example/debian/");
        let kernel = Kernel {
            version: "1.0",
            suites: &["buzz", "buzz-security"],
            packages: &[],
        };
        assert_eq!(
            sources(&kernel, &mirrors, Some("/k.gpg")),
            "deb [arch=amd64 target=Packages signed-by=/k.gpg] https://mirror.example/debian buzz main\n\
             deb [arch=amd64 target=Packages signed-by=/k.gpg] https://mirror.example/debian-security buzz-security main\n"
        );
    }
}
