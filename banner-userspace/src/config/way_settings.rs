//! The keys of ways to drop packets.

use super::duration::Span;
use super::interfaces::InterfaceName;
use super::raw::{CommandOf, HostsDenyOf, IptablesOf, JailsWays, NftablesOf, Ways};
use super::report::Report;
use super::section::{Default, Section, Setting};
use super::shape::{Choice, Count, List, Shape, Text, refuse};
use super::yaml::Node;
use crate::model::{Answer, Hook};

pub(crate) static ENFORCE: Setting<Ways> = Setting::new(
    "enforce",
    Ways,
    Default::Value("[xdp]"),
    "How packets are dropped, in order of preference: `xdp`, `nftables`, `iptables`, `hosts-deny` and commands, as words or with options. When a way cannot work, or no longer does, the next one takes over all bans, and gives them back when it works again.",
)
.also(&["banaction", "action", "backend"]);

pub(crate) static JAIL_ENFORCE: Setting<JailsWays> = Setting::new(
    "enforce",
    JailsWays,
    Default::Words("as in the main file"),
    "How packets of those whom this jail bans are dropped, if not as the main file says. Commands of the main file go by their names.",
)
.also(&["banaction", "action"]);

pub(crate) static NFTABLES: Setting<NftablesOf> = Setting::new(
    "nftables",
    NftablesOf,
    Default::Words("none"),
    "The table `inet banner` of nftables.",
);

pub(crate) static IPTABLES: Setting<IptablesOf> = Setting::new(
    "iptables",
    IptablesOf,
    Default::Words("none"),
    "A chain of iptables and of ip6tables, with sets of ipset.",
)
.also(&["ipset"]);

pub(crate) static HOSTS_DENY: Setting<HostsDenyOf> = Setting::new(
    "hosts-deny",
    HostsDenyOf,
    Default::Words("none"),
    "The file that daemons with TCP wrappers ask. No packet is dropped.",
)
.also(&["hosts.deny", "hostsdeny"]);

pub(crate) static COMMAND: Setting<CommandOf> = Setting::new(
    "command",
    CommandOf,
    Default::Words("none"),
    "Programs of your own.",
);

pub(crate) static WAY_SECTION: Section = Section {
    name: "an item of `enforce` with options",
    about: "A mapping with one of these keys; without options the word alone does, as in \
            `[xdp, nftables]`.",
    settings: &[&NFTABLES, &IPTABLES, &HOSTS_DENY, &COMMAND],
};

pub(crate) static HOOKS: Setting<List<Choice<Hook>>> = Setting::new(
    "hooks",
    List {
        item: Choice(&[
            ("prerouting", Hook::Prerouting),
            ("input", Hook::Input),
            ("forward", Hook::Forward),
            ("ingress", Hook::Ingress),
        ]),
        of: "hooks: prerouting, input, forward, ingress",
    },
    Default::Value("[prerouting]"),
    "Where packets are looked at.",
)
.also(&["hook", "chain"]);

pub(crate) static PRIORITY: Setting<Count<i32>> = Setting::new(
    "priority",
    Count {
        min: -10_000,
        max: 10_000,
    },
    Default::Value("-300"),
    "Of the chains at these hooks; lower comes first. -300 is before connections are tracked.",
);

pub(crate) static VERDICT: Setting<Choice<Answer>> = Setting::new(
    "verdict",
    Choice(&[
        ("drop", Answer::Drop),
        ("reject", Answer::Reject),
        ("reset", Answer::Reset),
    ]),
    Default::Value("drop"),
    "What becomes of packets: `reject` answers with ICMP, `reset` besides resets TCP connections.",
)
.also(&["blocktype", "policy", "target"]);

pub(crate) static DEVICES: Setting<List<InterfaceName>> = Setting::new(
    "devices",
    List {
        item: InterfaceName,
        of: "interface names",
    },
    Default::Words("none"),
    "The interfaces of the hook `ingress`.",
)
.also(&["interfaces", "device"]);

pub(crate) static NFTABLES_SECTION: Section = Section {
    name: "`nftables`",
    about: "Options of nftables. It needs the package nftables, and Linux 5.10 for `ingress`.",
    settings: &[&HOOKS, &PRIORITY, &VERDICT, &DEVICES],
};

pub(crate) static PARENTS: Setting<List<ChainName>> = Setting::new(
    "parents",
    List {
        item: ChainName,
        of: "names of chains",
    },
    Default::Value("[INPUT]"),
    "The chains of the table `filter` whose packets are looked at first, as in `[INPUT, FORWARD]` or `[DOCKER-USER]`.",
)
.also(&["parent", "chains"]);

pub(crate) static CHAIN: Setting<ChainName> = Setting::new(
    "chain",
    ChainName,
    Default::Value("banner"),
    "The name of banner's chain, with which the names of its sets begin.",
);

pub(crate) static TARGET: Setting<ChainName> = Setting::new(
    "target",
    ChainName,
    Default::Value("DROP"),
    "Where packets of banned hosts go: `DROP`, `REJECT`, or a chain that is there.",
)
.also(&["blocktype", "verdict", "policy"]);

pub(crate) static REJECT_WITH: Setting<Choice<[&str; 2]>> = Setting::new(
    "reject_with",
    Choice(&[
        (
            "port-unreachable",
            ["icmp-port-unreachable", "icmp6-port-unreachable"],
        ),
        (
            "host-unreachable",
            ["icmp-host-unreachable", "icmp6-addr-unreachable"],
        ),
        (
            "net-unreachable",
            ["icmp-net-unreachable", "icmp6-no-route"],
        ),
        (
            "admin-prohibited",
            ["icmp-admin-prohibited", "icmp6-adm-prohibited"],
        ),
    ]),
    Default::Words("port-unreachable"),
    "What the target `REJECT` answers.",
);

pub(crate) static IPTABLES_SECTION: Section = Section {
    name: "`iptables`",
    about: "Options of iptables. It needs the packages iptables and ipset.",
    settings: &[&PARENTS, &CHAIN, &TARGET, &REJECT_WITH],
};

pub(crate) static FILE: Setting<Text> = Setting::new(
    "file",
    Text("an absolute path"),
    Default::Value("/etc/hosts.deny"),
    "The file. What stands between banner's marks is banner's, all else is left alone.",
)
.also(&["path"]);

pub(crate) static DAEMONS: Setting<Text> = Setting::new(
    "daemons",
    Text("names of daemons"),
    Default::Value("ALL"),
    "Who refuses banned hosts, as in `sshd` or `sshd, vsftpd`.",
)
.also(&["daemon_list", "daemon"]);

pub(crate) static HOSTS_DENY_SECTION: Section = Section {
    name: "`hosts-deny`",
    about: "Options of hosts.deny. Only daemons that are linked with libwrap ask it, at the beginning of a \
            connection; ports of a ban do not matter there.",
    settings: &[&FILE, &DAEMONS],
};

const WORDS: List<Text> = List {
    item: Text("a program or argument"),
    of: "a program and its arguments",
};

pub(crate) static NAME: Setting<Text> =
    Setting::new("name", Text("a name"), Default::Required, "Its name.");

macro_rules! commands {
    ($($constant:ident $name:literal $default:expr, $meaning:literal;)*) => {$(
        pub(crate) static $constant: Setting<List<Text>> =
            Setting::new($name, WORDS, $default, $meaning);
    )*};
}

const NONE: Default = Default::Words("none");

commands! {
    START "start" NONE, "Before the first ban.";
    STOP "stop" NONE, "After the last, when banner gives up this way.";
    CHECK "check" NONE, "Whether all is well, every 30 seconds; with an exit code that is not 0, `start` and all bans are done again.";
    BAN "ban" Default::Required, "A ban. A ban that changes is one, too.";
    UNBAN "unban" Default::Required, "The end of one.";
    BAN_MANY "ban_many" NONE, "Many bans at once: `%{file}` has a line for each, with prefix, seconds, ports and jail. Without it, `ban` runs for each.";
    UNBAN_MANY "unban_many" NONE, "The end of many.";
    FLUSH "flush" NONE, "The end of all. Without it, `unban` runs for each.";
}

pub(crate) static TIMEOUT: Setting<Span> = Setting::new(
    "timeout",
    Span,
    Default::Value("10s"),
    "How long one of them may run before it is killed.",
);

pub(crate) static COMMAND_SECTION: Section = Section {
    name: "`command`",
    about: "Lists of a program and its arguments; no shell reads them. In arguments, `%{net}` stands for \
            the address or prefix, `%{family}` for `inet` or `inet6`, `%{seconds}` for the time that is \
            left (`0`: without an end), `%{ports}`, `%{jail}` and `%{file}` for what they say; the \
            environment has the same as `BANNER_NET` and so on.",
    settings: &[
        &NAME,
        &START,
        &STOP,
        &CHECK,
        &BAN,
        &UNBAN,
        &BAN_MANY,
        &UNBAN_MANY,
        &FLUSH,
        &TIMEOUT,
    ],
};

/// The name of a chain of iptables.
pub(crate) struct ChainName;

impl Shape for ChainName {
    type Value = String;

    fn noun(&self) -> String {
        "the name of a chain".to_owned()
    }

    fn read(&self, node: &Node, path: &str, report: &mut Report) -> Option<String> {
        let name = Text("the name of a chain").read(node, path, report)?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        // XT_EXTENSION_MAXNAMELEN is 29; names of sets have 31 bytes, of which some follow.
        if name.len() <= 20 && name.bytes().all(allowed) && !name.starts_with('-') {
            return Some(name);
        }
        let advice = "it must have at most 20 letters, digits, dots, underscores and hyphens";
        refuse(self, node, path, report, advice);
        None
    }
}
