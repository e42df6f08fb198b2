//! Every key of the configuration. The check for unknown keys, the defaults and the reference
//! all read these tables.

use super::address::Network;
use super::duration::{BanSpan, Span};
use super::host_name::HostName;
use super::interfaces::{InterfaceName, InterfacesOf};
use super::ports::PortsOf;
use super::raw::CountByOf;
use super::raw::{
    AroundOf, BansOfJails, EscalationOf, FilterOf, GrowthOf, Jails, KeyOf, LimitsOf, LogOf,
    LogPath, ParametersOf, PartsOf, PatternOf, PolicyOf, SampleOf, StampsOf, StoreOf, TimeOf, True,
    WhenOf, Word,
};
use super::section::{Default, Setting};
use super::shape::{Choice, Count, Flag, List, Number, Text};
use crate::filter::Dialect;
use crate::model::{AttachMode, Mode, OnNames, WIDEST_IPV4, WIDEST_IPV6};

pub(crate) static INTERFACES: Setting<InterfacesOf> = Setting::new(
    "interfaces",
    InterfacesOf,
    Default::Value("auto"),
    "The network interfaces to protect, as names or as mappings with a mode. One that is not there yet is waited for. `auto`: those that carry a default route, also when it moves.",
)
.also(&["interface", "iface", "devices"]);

pub(crate) static INTERFACE_NAME: Setting<InterfaceName> =
    Setting::new("name", InterfaceName, Default::Required, "Its name.");

pub(crate) static INTERFACE_MODE: Setting<Choice<AttachMode>> = Setting::new(
    "mode",
    Choice(&[
        ("auto", AttachMode::Auto),
        ("native", AttachMode::Native),
        ("generic", AttachMode::Generic),
    ]),
    Default::Value("auto"),
    "Where the XDP program runs: in the driver (`native`), behind it (`generic`), or in the driver where it can and else behind it (`auto`).",
);

pub(crate) static IGNORE: Setting<List<Network>> = Setting::new(
    "ignore",
    NETWORKS,
    Default::Words("none"),
    "Never banned, by any jail. IPv4-mapped IPv6 is the IPv4 address.",
)
.also(&["ignoreip", "whitelist", "allow", "never_ban"]);

pub(crate) static IGNORE_NAMES: Setting<List<HostName>> = Setting::new(
    "ignore_names",
    List {
        item: HostName,
        of: "DNS names",
    },
    Default::Words("none"),
    "Never banned, by any jail: whatever addresses these names have by DNS, looked up every 5 minutes. While DNS does not answer, the addresses that were last known hold, also after a restart.",
);

pub(crate) static LIMITS: Setting<LimitsOf> = Setting::new(
    "limits",
    LimitsOf,
    Default::Words("see below"),
    "Bounds on the memory that banner takes.",
);

pub(crate) static STORE: Setting<StoreOf> = Setting::new(
    "store",
    StoreOf,
    Default::Words("see below"),
    "What is kept on disk.",
)
.also(&["database", "db"]);

pub(crate) static STORE_PATH: Setting<LogPath> = Setting::new(
    "path",
    LogPath,
    Default::Words("`banner.db` in the state directory"),
    "The file: an SQLite database, which no other process can use while the agent runs.",
)
.also(&["dbfile", "file"]);

pub(crate) static RETENTION: Setting<Span> = Setting::new(
    "retention",
    Span,
    Default::Value("4w"),
    "How long earlier bans and the lines that led to them are kept; earlier bans never shorter than `forget` of `escalation`.",
)
.also(&["dbpurgeage", "purge_age"]);

pub(crate) static LINES_KEPT: Setting<Count<u32>> = Setting::new(
    "lines",
    Count { min: 0, max: 10 },
    Default::Value("10"),
    "How many of the lines that led to a ban are kept with it, the latest, each up to 512 bytes.",
)
.also(&["dbmaxmatches", "matches"]);

pub(crate) static DEFAULTS: Setting<PolicyOf> = Setting::new(
    "defaults",
    PolicyOf,
    Default::Words("see below"),
    "What holds for every jail that does not say otherwise.",
);

pub(crate) static JAILS: Setting<Jails> = Setting::new(
    "jails",
    Jails,
    Default::Words("none"),
    "What to watch: logs, the filter that recognises failures in them, and when to ban.",
);

pub(crate) static INCLUDE: Setting<List<Text>> = Setting::new(
    "include",
    List {
        item: Text("a path or pattern"),
        of: "paths or patterns",
    },
    Default::Words("none"),
    "Further files with `jails` and `ignore`, as in `[jails.d/*.yaml]`; relative to the folder of this file.",
);

const NETWORKS: List<Network> = List {
    item: Network,
    of: "addresses and prefixes",
};

pub(crate) static BANS: Setting<Count<u32>> = Setting::new(
    "bans",
    Count {
        min: 1,
        max: 4_194_304,
    },
    Default::Value("65536"),
    "Bans in force at a time, for each of IPv4 and IPv6. A prefix counts as one, and so does each set of ports for which somebody is banned.",
)
.also(&["ban"]);

pub(crate) static TRACKED: Setting<Count<u32>> = Setting::new(
    "tracked",
    Count {
        min: 1,
        max: 10_000_000,
    },
    Default::Value("100000"),
    "Hosts whose failures a jail counts at a time, in about 70 bytes each. In a flood of more, those with the fewest failures make room; the times of their failures are kept in 128 bytes for each of these hosts, up to 64 MiB for a jail.",
);

pub(crate) static LINE: Setting<Count<u32>> = Setting::new(
    "line",
    Count {
        min: 256,
        max: 1_048_576,
    },
    Default::Value("16384"),
    "Bytes of a log line; a longer line is cut.",
);

pub(crate) static MAX_RETRY: Setting<Count<u32>> = Setting::new(
    "max_retry",
    Count { min: 1, max: 1000 },
    Default::Value("5"),
    "The number of failures within `find_time` at which a host is banned.",
);

pub(crate) static FIND_TIME: Setting<Span> = Setting::new(
    "find_time",
    Span,
    Default::Value("10m"),
    "How long a failure counts.",
);

pub(crate) static BAN_TIME: Setting<BanSpan> = Setting::new(
    "ban_time",
    BanSpan,
    Default::Value("1h"),
    "How long a ban holds.",
);

pub(crate) static RENEW: Setting<Flag> = Setting::new(
    "renew",
    Flag,
    Default::Value("false"),
    "Whether each packet that a ban drops begins its `ban_time`, as it has grown, anew: a ban holds until the source has been quiet for so long. XDP does so; in other ways bans end at their time. A permanent ban is what it is.",
);

pub(crate) static ESCALATION: Setting<EscalationOf> = Setting::new(
    "escalation",
    EscalationOf,
    Default::Value("false"),
    "Whether `ban_time` grows with every ban that a host, or the prefix that is banned for it, has had before, and how. `true`: each ban is twice as long as the one before.",
)
.also(&["bantime.increment", "increment", "incremental", "ban_time_increment"]);

pub(crate) static GROWTH: Setting<GrowthOf> = Setting::new(
    "growth",
    GrowthOf,
    Default::Value("doubling"),
    "After `n` bans, `ban_time` times: `doubling` `factor * 2^n`, `exponential` `e^(factor * n)`, `linear` `factor * (n + 1)`; of a list of multipliers, `factor` times its item behind the `n`th, or the last one. Never shorter than `ban_time`, never longer than ten years.",
)
.also(&["formula", "multipliers", "bantime.formula", "bantime.multipliers"]);

pub(crate) static FACTOR: Setting<Number> = Setting::new(
    "factor",
    Number,
    Default::Value("1"),
    "A number for `growth`.",
)
.also(&["bantime.factor"]);

pub(crate) static GROWTH_MAX: Setting<Span> = Setting::new(
    "max",
    Span,
    Default::Words("ten years"),
    "No ban time grows beyond it. A `ban_time` that is longer from the first is not shortened.",
)
.also(&["maxtime", "max_time", "bantime.maxtime"]);

pub(crate) static RANDOM: Setting<Span> = Setting::new(
    "random",
    Span,
    Default::Words("nothing"),
    "Up to so much is added to a ban time that has grown, also beyond `max`, so that nobody can tell when a ban ends.",
)
.also(&["rndtime", "bantime.rndtime", "jitter"]);

pub(crate) static ALL_JAILS: Setting<Flag> = Setting::new(
    "all_jails",
    Flag,
    Default::Value("false"),
    "The bans that other jails gave count, too, but for jails that observe.",
)
.also(&["overalljails", "bantime.overalljails"]);

pub(crate) static FORGET: Setting<Span> = Setting::new(
    "forget",
    Span,
    Default::Value("4w"),
    "The bans of a jail that have been over for so long count no more.",
)
.also(&["dbpurgeage"]);

pub(crate) static HISTORY: Setting<Count<u32>> = Setting::new(
    "history",
    Count {
        min: 1,
        max: 10_000_000,
    },
    Default::Value("100000"),
    "Hosts and prefixes, counted once for each jail that banned them, whose earlier bans are remembered for `escalation`.",
);

pub(crate) static MODE: Setting<Choice<Mode>> = Setting::new(
    "mode",
    Choice(&[("enforce", Mode::Enforce), ("observe", Mode::Observe)]),
    Default::Value("enforce"),
    "`observe` drops nothing and reports what would have been dropped.",
);

pub(crate) static PORTS: Setting<PortsOf> = Setting::new(
    "ports",
    PortsOf,
    Default::Value("all"),
    "For which ports a host is banned; to all others its packets pass. `tcp/` can be left out.",
)
.also(&["port", "services", "service"]);

pub(crate) static AROUND: Setting<AroundOf> = Setting::new(
    "prefix",
    AroundOf,
    Default::Words("the offender alone"),
    "How much around an offender is banned with it.",
)
.also(&["netmask", "subnet", "network", "prefix_length"]);

pub(crate) static AROUND_IPV4: Setting<Count<u8>> = Setting::new(
    "ipv4",
    Count {
        min: WIDEST_IPV4,
        max: 32,
    },
    Default::Value("32"),
    "The length of the prefix that is banned for an IPv4 offender; 32: no other address.",
)
.also(&["v4", "inet", "ip4"]);

pub(crate) static AROUND_IPV6: Setting<Count<u8>> = Setting::new(
    "ipv6",
    Count {
        min: WIDEST_IPV6,
        max: 128,
    },
    Default::Value("128"),
    "The same for IPv6, where a home or a server mostly has a /64; 128: no other address.",
)
.also(&["v6", "inet6", "ip6"]);

pub(crate) static COUNT_BY: Setting<CountByOf> = Setting::new(
    "count_by",
    CountByOf,
    Default::Words("each host for itself"),
    "Whose failures are counted together.",
)
.also(&["count", "aggregate"]);

pub(crate) static COUNT_IPV4: Setting<Count<u8>> = Setting::new(
    "ipv4",
    Count {
        min: WIDEST_IPV4,
        max: 32,
    },
    Default::Value("32"),
    "The length of the IPv4 prefixes whose hosts are counted as one; 32: each for itself.",
)
.also(&["v4", "inet", "ip4"]);

pub(crate) static COUNT_IPV6: Setting<Count<u8>> = Setting::new(
    "ipv6",
    Count {
        min: WIDEST_IPV6,
        max: 128,
    },
    Default::Value("128"),
    "The same for IPv6; 64: whoever has a /64, and tries from another of its addresses each time, is one.",
)
.also(&["v6", "inet6", "ip6"]);

pub(crate) static NAMES: Setting<Choice<OnNames>> = Setting::new(
    "names",
    Choice(&[("ignore", OnNames::Ignore), ("resolve", OnNames::Resolve)]),
    Default::Value("ignore"),
    "What becomes of failures whose host stands in the log by its name. `resolve`: they count for the addresses that DNS gives the name, so for whomever its owner wants to have banned. `ignore`: for nobody.",
)
.also(&["usedns", "use_dns", "dns", "resolve"]);

pub(crate) static ENABLED: Setting<Flag> = Setting::new(
    "enabled",
    Flag,
    Default::Value("true"),
    "Whether the jail is in use. The keys of a jail that is not are still checked.",
);

pub(crate) static FILTER: Setting<FilterOf> = Setting::new(
    "filter",
    FilterOf,
    Default::Required,
    "What a failure looks like: the name of a filter, `{use: NAME, PARAMETER: VALUE}`, or the filter itself.",
);

pub(crate) static LOGS: Setting<List<LogOf>> = Setting::new(
    "logs",
    List {
        item: LogOf,
        of: "absolute paths or patterns",
    },
    Default::Required,
    "What to read: files by absolute paths or patterns, or the other sources of `a log` below. They need not exist yet.",
)
.also(&["logpath", "file", "files", "path", "paths"]);

pub(crate) static OF: Setting<BansOfJails> = Setting::new(
    "of",
    BansOfJails,
    Default::Words("none"),
    "In place of `filter` and `logs`: the bans that these jails give are the failures that this one counts. `all`: those of every jail that reads logs.",
)
.also(&["jails", "bans_of"]);

pub(crate) static JAIL_IGNORE: Setting<List<Network>> = Setting::new(
    "ignore",
    NETWORKS,
    Default::Words("none"),
    "Never banned by this jail, in addition to the `ignore` that holds for all.",
)
.also(&["ignoreip", "whitelist", "allow", "never_ban"]);

pub(crate) static DESCRIPTION: Setting<Text> = Setting::new(
    "description",
    Text("a text"),
    Default::Words("empty"),
    "What the filter recognises, in a few words.",
);

pub(crate) static PREFIX: Setting<Text> = Setting::new(
    "prefix",
    Text("the name of a prefix"),
    Default::Words("none"),
    "What stands before the message in every line, by name: a built-in one or one of `prefixes.yaml`.",
);

pub(crate) static PROGRAM: Setting<Text> = Setting::new(
    "program",
    Text("a regular expression"),
    Default::Words("any"),
    "The program that a syslog line must name.",
);

pub(crate) static DIALECT: Setting<Choice<Dialect>> = Setting::new(
    "dialect",
    Choice(&[("banner", Dialect::Banner), ("fail2ban", Dialect::Fail2ban)]),
    Default::Value("banner"),
    "The language of the patterns. `fail2ban`: Python's, with fail2ban's tags, and lines are read as fail2ban reads them; such filters come from `banner import`.",
);

pub(crate) static PARAMETERS: Setting<ParametersOf> = Setting::new(
    "parameters",
    ParametersOf,
    Default::Words("none"),
    "What a jail may choose, as in `{mode: {default: normal, values: [normal, aggressive]}}`.",
);

pub(crate) static PARAMETER_DEFAULT: Setting<Word> = Setting::new(
    "default",
    Word,
    Default::Required,
    "Its value where a jail does not choose.",
);

pub(crate) static PARAMETER_VALUES: Setting<List<Word>> = Setting::new(
    "values",
    List {
        item: Word,
        of: "words",
    },
    Default::Words("any"),
    "The values that it can have.",
);

pub(crate) static PARTS: Setting<PartsOf> = Setting::new(
    "parts",
    PartsOf,
    Default::Words("none"),
    "Pieces of patterns by name. `%{name}` in a pattern, a program or another piece stands for the piece, or for the value of a parameter of that name.",
);

pub(crate) static PREFILTER: Setting<Text> = Setting::new(
    "prefilter",
    Text("a regular expression"),
    Default::Words("none"),
    "A message that does not match it is no failure. Where it has a group `content`, `fail` and `ignore` see what that caught.",
)
.also(&["prefregex"]);

pub(crate) static FAIL: Setting<List<PatternOf>> = Setting::new(
    "fail",
    PATTERNS,
    Default::Required,
    "A message that one of these matches is a failure of the host at `<HOST>`; the first that matches decides. An item may be `{pattern: …, when: …}`.",
)
.also(&["failregex", "regex", "patterns", "match"]);

pub(crate) static FILTER_IGNORE: Setting<List<PatternOf>> = Setting::new(
    "ignore",
    PATTERNS,
    Default::Words("none"),
    "A message that one of these matches is no failure, whatever `fail` says.",
)
.also(&["ignoreregex"]);

pub(crate) static PATTERN: Setting<Text> = Setting::new(
    "pattern",
    Text("a regular expression"),
    Default::Required,
    "The pattern.",
);

pub(crate) static WHEN: Setting<WhenOf> = Setting::new(
    "when",
    WhenOf,
    Default::Words("always"),
    "It holds only where parameters have these values, as in `{mode: [ddos, aggressive]}`.",
);

pub(crate) static LOOK_BACK: Setting<Count<usize>> = Setting::new(
    "lines",
    Count { min: 1, max: 1000 },
    Default::Value("1"),
    "How many lines, the latest last, a pattern sees at once.",
)
.also(&["maxlines"]);

pub(crate) static STAMPS: Setting<StampsOf> = Setting::new(
    "stamps",
    StampsOf,
    Default::Value("known"),
    "How time stamps look: every form that is `known`, patterns in strftime's notation, or `none`, where lines have no stamps and count as of now.",
)
.also(&["datepattern"]);

pub(crate) static ENCODING: Setting<Text> = Setting::new(
    "encoding",
    Text("the label of an encoding"),
    Default::Words("bytes as they are"),
    "The encoding of the logs, as in `latin1` or `koi8-r`. Without it patterns match bytes.",
)
.also(&["logencoding"]);

pub(crate) static JOURNAL: Setting<List<Text>> = Setting::new(
    "journal",
    List {
        item: Text("FIELD=VALUE"),
        of: "matches of journalctl",
    },
    Default::Words("none"),
    "What of the systemd journal the filter is about: alternatives, each FIELD=VALUE separated by spaces.",
)
.also(&["journalmatch"]);

pub(crate) static SAMPLES: Setting<List<SampleOf>> = Setting::new(
    "samples",
    List {
        item: SampleOf,
        of: "samples",
    },
    Default::Words("none"),
    "Lines and what the filter must make of them.",
);

const PATTERNS: List<PatternOf> = List {
    item: PatternOf,
    of: "regular expressions",
};

pub(crate) static SAMPLE_LINE: Setting<Text> = Setting::new(
    "line",
    Text("a line of a log"),
    Default::Required,
    "A whole line, as it stands in the log.",
);

pub(crate) static SAMPLE_LINES: Setting<List<Text>> = Setting::new(
    "lines",
    List {
        item: Text("a line of a log"),
        of: "lines of a log",
    },
    Default::Words("`line`"),
    "Several lines, where only together they say it. The last must get the verdict, and those before it must be no failures.",
);

pub(crate) static SAMPLE_FAIL: Setting<KeyOf> = Setting::new(
    "fail",
    KeyOf,
    Default::Words("none"),
    "The line is a failure of this host, prefix, name or id.",
);

pub(crate) static SAMPLE_USER: Setting<Text> = Setting::new(
    "user",
    Text("the name of a user"),
    Default::Words("any"),
    "What the group `user` must have caught.",
);

pub(crate) static SAMPLE_TIME: Setting<TimeOf> = Setting::new(
    "time",
    TimeOf,
    Default::Words("any"),
    "When the line must say that it was written. A stamp without a zone is read as UTC.",
);

pub(crate) static SAMPLE_NOW: Setting<TimeOf> = Setting::new(
    "now",
    TimeOf,
    Default::Words("one second after `time`, or the end of 2026"),
    "When the line is read, which says what a stamp without a year means.",
);

pub(crate) static SAMPLE_PASS: Setting<True> = Setting::new(
    "pass",
    True,
    Default::Words("none"),
    "The line is no failure. Either this or `fail`.",
);
