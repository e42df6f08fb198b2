//! Where logs are, as they are written: paths, patterns, and what stands for them.

use std::path::PathBuf;

use crate::config::log_keys as keys;
use crate::config::report::Report;
use crate::config::section::Fields;
use crate::config::shape::{Shape, Text, refuse};
use crate::config::yaml::{Kind, Node};
use crate::model::{ContainerLog, Runtime};

/// Where the kubelet keeps the logs of all containers: a folder for each pod, in it one for each
/// container (`pkg/kubelet/kuberuntime` of Kubernetes).
pub(super) const PODS: &str = "/var/log/pods/*/*/*.log";

/// Where Docker keeps them.
pub(super) const DOCKER: &str = "/var/lib/docker/containers/*/*-json.log";

/// The path of a log, or a pattern of paths.
pub(crate) struct LogPath;

impl Shape for LogPath {
    type Value = String;

    fn noun(&self) -> String {
        "an absolute path or pattern".to_owned()
    }

    fn examples(&self) -> &'static str {
        "/var/log/auth.log or /var/log/nginx/*.log"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        let text = Text("an absolute path or pattern").read(node, path, report)?;
        let advice = if !text.starts_with('/') {
            "it must begin with a /"
        } else if text.ends_with('/') {
            "this is a folder: name its files, as in /var/log/nginx/*.log"
        } else if text.contains(char::is_control) {
            "it must not contain control characters"
        } else {
            return Some(text);
        };
        refuse(self, node, path, report, advice);
        None
    }
}

/// The path of a named pipe.
pub(crate) struct FifoPath;

impl Shape for FifoPath {
    type Value = PathBuf;

    fn noun(&self) -> String {
        "the absolute path of a named pipe".to_owned()
    }

    fn examples(&self) -> &'static str {
        "/run/banner/lines"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<PathBuf> {
        LogPath.read(node, path, report).map(PathBuf::from)
    }
}

/// A name of a namespace, pod or container, with `*` and `?`.
pub(crate) struct ContainerPart;

impl Shape for ContainerPart {
    type Value = String;

    fn noun(&self) -> String {
        "a name or pattern".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        let text = Text("a name or pattern").read(node, path, report)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-*?".contains(c);
        if text.chars().all(allowed) && !text.starts_with('.') {
            return Some(text);
        }
        let advice = "such names have letters, digits, dots, underscores and hyphens";
        refuse(self, node, path, report, advice);
        None
    }
}

/// The value of `cri`.
pub(crate) struct CriOf;

impl Shape for CriOf {
    type Value = ContainerLog;

    fn noun(&self) -> String {
        "a pattern of paths, or a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ namespace: shop, pod: \"web-*\" }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<ContainerLog> {
        let pattern = if matches!(node.kind, Kind::Mapping(_)) {
            let section = &keys::CRI_SECTION;
            let fields = Fields::read(section, node, node.spot, path, report)?;
            let before = report.errors();
            let mut part = |setting| fields.get_or_default(setting, report);
            let namespace = part(&keys::NAMESPACE);
            let pod = part(&keys::POD);
            let container = part(&keys::CONTAINER);
            if report.errors() > before {
                return None;
            }
            // The names of the first two have no underscore, and there are just two of them.
            format!("/var/log/pods/{namespace}_{pod}_*/{container}/*.log")
        } else {
            LogPath.read(node, path, report)?
        };
        Some(ContainerLog {
            runtime: Runtime::Cri,
            pattern,
            container: None,
        })
    }
}

/// The value of `docker`.
pub(crate) struct DockerOf;

impl Shape for DockerOf {
    type Value = ContainerLog;

    fn noun(&self) -> String {
        "a pattern of paths, or a mapping".to_owned()
    }

    fn examples(&self) -> &'static str {
        "{ container: web }"
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<ContainerLog> {
        let mut container = None;
        let pattern = if matches!(node.kind, Kind::Mapping(_)) {
            let section = &keys::DOCKER_SECTION;
            let fields = Fields::read(section, node, node.spot, path, report)?;
            let before = report.errors();
            let name = fields.get_or_default(&keys::CONTAINER, report);
            if report.errors() > before {
                return None;
            }
            container = Some(name).filter(|name| name != "*");
            DOCKER.to_owned()
        } else {
            LogPath.read(node, path, report)?
        };
        Some(ContainerLog {
            runtime: Runtime::Docker,
            pattern,
            container,
        })
    }
}
