//! The kernels of the matrix: Debian's, as they are downloaded.

/// A kernel, and where Debian has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kernel {
    /// The first two numbers of its version.
    pub(crate) version: &'static str,
    /// Releases of Debian that carry it; `-security` stands in the archive of that name.
    pub(super) suites: &'static [&'static str],
    /// Packages that hold its image and its modules, as far as their names go before the version.
    pub(super) packages: &'static [&'static str],
}

/// What all package names end with. The cloud flavour has what virtual machines need, and no more
/// to download.
pub(super) const FLAVOUR: &str = "-cloud-amd64";

/// From the oldest on. Each is the kernel of a stable release, but for the last one.
pub(crate) const MATRIX: [Kernel; 4] = [
    Kernel {
        version: "5.10",
        suites: &["bullseye", "bullseye-security"],
        packages: &["linux-image-"],
    },
    Kernel {
        version: "6.1",
        suites: &["bookworm", "bookworm-security"],
        packages: &["linux-image-"],
    },
    Kernel {
        version: "6.12",
        suites: &["trixie", "trixie-security"],
        packages: &["linux-image-"],
    },
    Kernel {
        version: "7.2",
        suites: &["sid"],
        packages: &["linux-binary-", "linux-modules-"],
    },
];

/// What `cargo xtask vm` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The whole matrix.
    All,
    /// One kernel of it.
    One(Kernel),
}

impl Choice {
    /// Reads an argument.
    pub(crate) fn parse(word: &str) -> Result<Self, String> {
        if word == "all" {
            return Ok(Self::All);
        }
        let found = MATRIX.into_iter().find(|kernel| kernel.version == word);
        found.map(Self::One).ok_or_else(|| {
            let known = MATRIX.map(|kernel| kernel.version).join(", ");
            format!("the matrix has {known}, and `all` for each of them")
        })
    }
}

/// Every kernel that was asked for, once, in the order asked for.
pub(crate) fn chosen(choices: &[Choice]) -> Vec<Kernel> {
    let mut kernels: Vec<Kernel> = Vec::new();
    for choice in choices {
        let these = match choice {
            Choice::All => &MATRIX[..],
            Choice::One(kernel) => std::slice::from_ref(kernel),
        };
        for kernel in these {
            if !kernels.contains(kernel) {
                kernels.push(*kernel);
            }
        }
    }
    kernels
}

/// The newest of the releases in `names`, lines as `apt-cache search --names-only` prints them:
/// what stands in a package's name between `prefix` and [`FLAVOUR`], included.
pub(super) fn newest(names: &str, prefix: &str, version: &str) -> Option<String> {
    let release = |line: &str| {
        let name = line.split_whitespace().next()?;
        let release = name.strip_prefix(prefix)?;
        let rest = release.strip_prefix(version)?;
        // Not 6.12 for 6.1, and neither `-unsigned` nor `-dbg`.
        (rest.starts_with('.') && release.ends_with(FLAVOUR)).then(|| release.to_owned())
    };
    names
        .lines()
        .filter_map(release)
        .max_by_key(|release| numbers(release.trim_end_matches(FLAVOUR)))
}

/// The numbers in `text`, which is how releases of one kernel follow each other.
fn numbers(text: &str) -> Vec<u64> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_chosen_once_however_often_it_is_named() {
        let choices = ["6.1", "all", "6.1"].map(|word| Choice::parse(word).unwrap());
        let versions: Vec<_> = chosen(&choices).iter().map(|k| k.version).collect();
        assert_eq!(versions, ["6.1", "5.10", "6.12", "7.2"]);
        assert!(Choice::parse("6.2").unwrap_err().contains("5.10, 6.1"));
    }

    #[test]
    fn the_newest_release_is_the_one_with_the_greatest_numbers() {
        let names = "linux-image-6.1.0-9-cloud-amd64 - Linux 6.1\n\
                     linux-image-6.1.0-56-cloud-amd64 - Linux 6.1\n\
                     linux-image-6.1.0-57-cloud-amd64-unsigned - Linux 6.1\n\
                     linux-image-6.1-cloud-amd64 - meta-package\n\
                     linux-image-6.12.90+deb12-cloud-amd64 - Linux 6.12\n\
                     linux-image-6.12.90+deb12.1-cloud-amd64 - Linux 6.12\n";
        let found = |version| newest(names, "linux-image-", version);
        assert_eq!(found("6.1").unwrap(), "6.1.0-56-cloud-amd64");
        assert_eq!(found("6.12").unwrap(), "6.12.90+deb12.1-cloud-amd64");
        assert_eq!(found("5.10"), None);
    }
}
