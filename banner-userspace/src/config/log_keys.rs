//! The keys of an item of `logs`.

use super::address::Network;
use super::raw::{
    Alternatives, ContainerPart, CriOf, DockerOf, FifoPath, FolderPath, JournalOf, ListenOf,
    LogPath, SyslogOf,
};
use super::section::{Default, Section, Setting};
use super::shape::List;

pub(crate) static LOG_SECTION: Section = Section {
    name: "a log",
    about: "One item of `logs` that is more than a path has one of these keys, as in \
            `{cri: {namespace: shop}}`; `stdin` alone is standard input. See docs/sources.md.",
    settings: &[
        &LOG_FILE,
        &LOG_JOURNAL,
        &LOG_SYSLOG,
        &LOG_CRI,
        &LOG_DOCKER,
        &LOG_FIFO,
    ],
};

pub(crate) static JOURNAL_SECTION: Section = Section {
    name: "`journal` of a log",
    about: "Which entries of which journal.",
    settings: &[&MATCH, &DIRECTORY],
};

pub(crate) static SYSLOG_SECTION: Section = Section {
    name: "`syslog` of a log",
    about: "Where messages are taken, and from whom.",
    settings: &[&LISTEN, &FROM],
};

pub(crate) static CRI_SECTION: Section = Section {
    name: "`cri` of a log",
    about: "Which containers, with `*` and `?` in names.",
    settings: &[&NAMESPACE, &POD, &CONTAINER],
};

pub(crate) static DOCKER_SECTION: Section = Section {
    name: "`docker` of a log",
    about: "Which containers, with `*` and `?` in the name.",
    settings: &[&CONTAINER],
};

pub(crate) static LOG_FILE: Setting<LogPath> = Setting::new(
    "file",
    LogPath,
    Default::Words("none"),
    "Files, as a path or pattern alone.",
)
.also(&["path", "logpath"]);

pub(crate) static LOG_CRI: Setting<CriOf> = Setting::new(
    "cri",
    CriOf,
    Default::Words("none"),
    "Containers of Kubernetes (containerd, CRI-O): the files that the kubelet keeps of them, by a pattern or by what they are. `cri` alone: all.",
)
.also(&["kubernetes", "k8s", "containerd", "crio", "pods"]);

pub(crate) static LOG_DOCKER: Setting<DockerOf> = Setting::new(
    "docker",
    DockerOf,
    Default::Words("none"),
    "Containers of Docker with its `json-file` log driver. `docker` alone: all.",
)
.also(&["json_file", "containers", "podman"]);

pub(crate) static LOG_JOURNAL: Setting<JournalOf> = Setting::new(
    "journal",
    JournalOf,
    Default::Words("none"),
    "The systemd journal: what of it, as journalctl takes it. `journal` alone: what the filter's own `journal` says.",
)
.also(&["systemd", "journald", "journalmatch"]);

pub(crate) static MATCH: Setting<List<Alternatives>> = Setting::new(
    "match",
    List {
        item: Alternatives,
        of: "matches",
    },
    Default::Words("as the filter's `journal` says"),
    "Alternatives, each FIELD=VALUE, or several separated by spaces that must all hold, with ` + ` between more alternatives. An empty list: all entries.",
)
.also(&["matches", "journalmatch"]);

pub(crate) static DIRECTORY: Setting<FolderPath> = Setting::new(
    "directory",
    FolderPath,
    Default::Words("the journal of this machine"),
    "A folder of journal files, such as what systemd-journal-remote writes.",
)
.also(&["journalpath", "path"]);

pub(crate) static LOG_SYSLOG: Setting<SyslogOf> = Setting::new(
    "syslog",
    SyslogOf,
    Default::Words("none"),
    "Messages that are sent to banner: an address to listen at, or a mapping.",
)
.also(&["udp", "tcp", "listen", "socket"]);

pub(crate) static LISTEN: Setting<ListenOf> = Setting::new(
    "listen",
    ListenOf,
    Default::Required,
    "Where: `udp://` or `tcp://` with address and port (514 without one), `unix://PATH` for datagrams, `unix-stream://PATH` for connections. `[::]` is both families.",
)
.also(&["address", "bind"]);

pub(crate) static FROM: Setting<List<Network>> = Setting::new(
    "from",
    List {
        item: Network,
        of: "addresses and prefixes",
    },
    Default::Words("whoever gets there"),
    "From whom messages are taken. It must be given where `listen` can be reached over the network: who can send can have anybody banned.",
)
.also(&["allow", "allowed", "senders"]);

pub(crate) static LOG_FIFO: Setting<FifoPath> = Setting::new(
    "fifo",
    FifoPath,
    Default::Words("none"),
    "A named pipe, whose writers may come and go.",
)
.also(&["pipe", "named_pipe"]);

pub(crate) static NAMESPACE: Setting<ContainerPart> = Setting::new(
    "namespace",
    ContainerPart,
    Default::Value("\"*\""),
    "Of pods in this namespace.",
)
.also(&["ns"]);

pub(crate) static POD: Setting<ContainerPart> = Setting::new(
    "pod",
    ContainerPart,
    Default::Value("\"*\""),
    "Of pods with this name, as in `web-*`.",
);

pub(crate) static CONTAINER: Setting<ContainerPart> = Setting::new(
    "container",
    ContainerPart,
    Default::Value("\"*\""),
    "Of containers with this name.",
)
.also(&["name"]);
