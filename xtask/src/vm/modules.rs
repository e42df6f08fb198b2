//! The modules of a kernel that the tests need, in the order in which they can be loaded.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};
use object::{Object as _, ObjectSection as _};

/// What is loaded, with parameters. What a kernel has built in is no file and is left out.
///
/// bonding makes an interface of its own when it is loaded, unless it is told not to.
pub(super) const WANTED: [(&str, &str); 9] = [
    ("virtio_pci", ""),
    ("virtio_net", ""),
    ("veth", ""),
    ("dummy", ""),
    ("tun", ""),
    ("bridge", ""),
    ("8021q", ""),
    ("macvlan", ""),
    ("bonding", "max_bonds=0"),
];

/// A module, ready to be loaded.
pub(super) struct Module {
    pub(super) name: String,
    /// The object file, not compressed.
    pub(super) bytes: Vec<u8>,
    pub(super) parameters: &'static str,
}

/// The wanted modules among those below `folder`, each after what it depends on.
pub(super) fn wanted(folder: &Path) -> Result<Vec<Module>> {
    let mut files = BTreeMap::new();
    walk(folder, &mut |path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if let Some((name, "" | ".xz")) = name.split_once(".ko") {
            files.insert(canonical(name), path.to_path_buf());
        }
    })?;
    let mut modules = Vec::new();
    for (name, parameters) in WANTED {
        if files.contains_key(name) {
            add(name, parameters, &files, &mut modules)?;
        }
    }
    ensure!(
        modules.iter().any(|module| module.name == "veth"),
        "there is no veth module below {}",
        folder.display()
    );
    Ok(modules)
}

fn add(
    name: &str,
    parameters: &'static str,
    files: &BTreeMap<String, PathBuf>,
    modules: &mut Vec<Module>,
) -> Result<()> {
    if modules.iter().any(|module| module.name == name) {
        return Ok(());
    }
    let file = files
        .get(name)
        .with_context(|| format!("there is no module {name}, which another one depends on"))?;
    let bytes = read(file)?;
    let needed = dependencies(&bytes).with_context(|| format!("reading {}", file.display()))?;
    for name in needed {
        add(&name, "", files, modules)?;
    }
    modules.push(Module {
        name: name.to_owned(),
        bytes,
        parameters,
    });
    Ok(())
}

/// Older kernels of Debian have plain modules, newer ones compressed.
fn read(file: &Path) -> Result<Vec<u8>> {
    if file.extension().is_some_and(|extension| extension == "ko") {
        return fs::read(file).with_context(|| format!("reading {}", file.display()));
    }
    let output = Command::new("xz")
        .args(["--decompress", "--stdout"])
        .arg(file)
        .output()
        .context("starting xz")?;
    ensure!(
        output.status.success(),
        "xz cannot unpack {}: {}",
        file.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(output.stdout)
}

/// Names of the modules that `module`, an object file, needs: `depends=A,B` among its strings.
fn dependencies(module: &[u8]) -> Result<Vec<String>> {
    let file = object::File::parse(module)?;
    let section = file
        .section_by_name(".modinfo")
        .context("it is no module: it has no section .modinfo")?;
    let text = String::from_utf8_lossy(section.data()?).into_owned();
    Ok(depends(&text))
}

fn depends(modinfo: &str) -> Vec<String> {
    modinfo
        .split('\0')
        .filter_map(|line| line.strip_prefix("depends="))
        .flat_map(|names| names.split(','))
        .filter(|name| !name.is_empty())
        .map(canonical)
        .collect()
}

/// The kernel takes `-` and `_` in names for the same.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

/// Calls `visit` with every file below `folder`.
pub(super) fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) -> Result<()> {
    let reading = || format!("reading {}", folder.display());
    for entry in fs::read_dir(folder).with_context(reading)? {
        let entry = entry.with_context(reading)?;
        if entry.file_type().with_context(reading)?.is_dir() {
            walk(&entry.path(), visit)?;
        } else {
            visit(&entry.path());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_named_as_the_kernel_names_them() {
        let modinfo = "license=GPL\0depends=net_failover,virtio-ring\0retpoline=Y\0";
        assert_eq!(depends(modinfo), ["net_failover", "virtio_ring"]);
        assert_eq!(depends("depends=\0name=failover\0"), [""; 0]);
    }
}
