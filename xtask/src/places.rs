//! Where things are.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// The root folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    // At run time, because a target folder may have moved with its workspace.
    let xtask = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    xtask.parent().map_or(xtask.clone(), Path::to_path_buf)
}

/// Where `setup` keeps what it builds and unpacks: `$BANNER_CACHE`, else `banner` in the user's
/// cache folder. Outside `target/`, because these take minutes and every clone can share them.
pub(crate) fn cache() -> Result<PathBuf> {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty());
    let folder = set("BANNER_CACHE")
        .map(PathBuf::from)
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| Path::new(&cache).join("banner")))
        .or_else(|| env::home_dir().map(|home| home.join(".cache/banner")))
        .context("no cache folder: set BANNER_CACHE or HOME")?;
    fs::create_dir_all(&folder)
        .with_context(|| format!("making the cache folder {}", folder.display()))?;
    Ok(folder)
}

/// Where cargo keeps the sources of dependencies.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}
