//! Which container a file is of.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::model::Origin;

/// More of `config.v2.json` is not read.
const LARGEST: u64 = 1 << 20;

/// What the path of a file tells, and for Docker what stands beside it. Kubernetes' paths are
/// `/var/log/pods/NAMESPACE_POD_UID/CONTAINER/N.log` and `/var/log/containers/POD_NAMESPACE_CONTAINER-ID.log`.
pub(super) fn origin(path: &Path) -> Origin {
    of_kubernetes(path)
        .or_else(|| of_docker(path))
        .unwrap_or_else(|| Origin {
            container: text(path.file_stem()),
            ..Origin::default()
        })
}

fn text(name: Option<&std::ffi::OsStr>) -> String {
    name.unwrap_or_default().to_string_lossy().into_owned()
}

/// No name in Kubernetes has an underscore (RFC 1123 labels and subdomains).
fn of_kubernetes(path: &Path) -> Option<Origin> {
    let parts = |text: &str| -> Option<[String; 3]> {
        let parts: Vec<_> = text.split('_').map(str::to_owned).collect();
        parts.try_into().ok()
    };
    let folder = path.parent()?;
    if let Some([namespace, pod, _uid]) = parts(folder.parent()?.file_name()?.to_str()?) {
        return Some(Origin {
            namespace,
            pod,
            container: text(folder.file_name()),
        });
    }
    let [pod, namespace, container] = parts(path.file_stem()?.to_str()?)?;
    let (container, _id) = container.rsplit_once('-')?;
    Some(Origin {
        namespace,
        pod,
        container: container.to_owned(),
    })
}

/// What is read of the file that Docker keeps beside the log.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    name: String,
}

fn of_docker(path: &Path) -> Option<Origin> {
    let id = path.file_stem()?.to_str()?.strip_suffix("-json")?;
    let config = path.with_file_name("config.v2.json");
    let small = fs::metadata(&config).is_ok_and(|found| found.len() <= LARGEST);
    let read = || serde_json::from_slice(&fs::read(&config).ok()?).ok();
    let config: Option<Config> = small.then(read).flatten();
    let name = config.map(|config| config.name.trim_start_matches('/').to_owned());
    Some(Origin {
        container: name
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| id.get(..12).unwrap_or(id).to_owned()),
        ..Origin::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_tell_the_container() {
        for (path, expected) in [
            (
                "/var/log/pods/shop_web-1_8f0e/nginx/0.log",
                "shop/web-1/nginx",
            ),
            (
                "/var/log/containers/web-1_shop_my-nginx-5a2b.log",
                "shop/web-1/my-nginx",
            ),
            (
                "/x/0123456789abcdef/0123456789abcdef-json.log",
                "0123456789ab",
            ),
            ("/x/short-json.log", "short"),
            ("/srv/app.log", "app"),
            ("/srv/a_b.log", "a_b"),
        ] {
            assert_eq!(origin(Path::new(path)).to_string(), expected, "{path}");
        }
    }

    #[test]
    fn docker_keeps_the_name_beside_the_log() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = dir.path().join("0123456789abcdef-json.log");
        let config = dir.path().join("config.v2.json");
        for (text, expected) in [
            (
                r#"{"ID":"0123","Name":"/web","Config":{"Image":"x"}}"#,
                "web",
            ),
            (r#"{"Name":""}"#, "0123456789ab"),
            ("{", "0123456789ab"),
        ] {
            fs::write(&config, text).expect("write");
            assert_eq!(origin(&log).to_string(), expected, "{text}");
        }
    }
}
