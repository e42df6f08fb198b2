//! Jails as fail2ban reads them → banner's configuration.

use super::{
    Fail2ban, Jail, Jails, Which,
    addresses::{self, Ignored},
    ban_actions::Scope,
    logs::{Log, logs},
    mails::Targets,
    our_filters::{Filters, spec},
    policy::Policy,
    ports::BanPorts,
    report::Report,
    ways,
    yaml::{self, OurJail, OurMain},
};
use crate::{dns::Name, import::ImportError};

/// banner's configuration, as files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Converted {
    /// Paths below the folder of the configuration, and what goes there; banner.yaml is the first.
    pub files: Vec<(String, String)>,
    /// What people have to know.
    pub report: Report,
}

/// What holds where a jail says nothing.
struct Defaults {
    policy: Policy,
    ignore: Ignored,
}

impl Fail2ban {
    /// All of a configuration as one of ours; `all`: also jails that are not enabled.
    pub fn convert(&self, all: bool) -> Result<Converted, ImportError> {
        let read = self.jails(Which { all, files: false })?;
        let mut report = Report {
            disabled: read.disabled.clone(),
            ..Report::default()
        };
        for (name, error) in &read.broken {
            report.left_out(Some(name), format!("the jail as a whole: {error}"));
        }
        let defaults = defaults(&read, &mut report);
        let mut ignore_names = defaults.ignore.names.clone();
        let mut filters = Filters::default();
        let mut jails: Vec<OurJail> = Vec::new();
        let mut targets = Targets::default();
        let (mut routes, mut ways) = (Vec::new(), Vec::new());
        for jail in &read.jails {
            let wanted = our_name(&jail.name);
            let taken = |name: &String| jails.iter().any(|jail| jail.name == *name);
            let name = std::iter::once(wanted.clone())
                .chain(numbered(&wanted))
                .find(|name| !taken(name))
                .unwrap_or(wanted);
            let mut comments = Vec::new();
            let Some(deeds) = self.deeds(jail, &mut report, &mut comments) else {
                continue;
            };
            let scopes = &deeds.scopes;
            let ours = ours(
                jail,
                name,
                scopes,
                &defaults,
                &mut filters,
                &mut report,
                comments,
            );
            if let Some(ours) = ours {
                let own = Ignored::read(jail.option("ignoreip").unwrap_or_default());
                ignore_names.extend(own.names);
                report.jails.push(ours.name.clone());
                jails.push(ours);
                routes.push(targets.routes(&deeds.mails));
                ways.push((!deeds.scopes.is_empty()).then_some(deeds.ways));
            }
        }
        let lists = ways::lists(&ways);
        for text in &lists.changed {
            report.changed(None, text);
        }
        for ((jail, routes), ways) in jails.iter_mut().zip(&routes).zip(lists.own) {
            jail.policy.extend(ways.map(|text| ("enforce", text)));
            let notify = targets.of_jail(routes);
            jail.policy.extend(notify.map(|text| ("notify", text)));
        }
        let ignore = defaults.ignore.nets.iter().copied().map(addresses::written);
        let mut comments = vec!["Before it is used: banner --config FILE check".to_owned()];
        let resolves =
            |policy: &[(&str, String)]| policy.contains(&("names", "resolve".to_owned()));
        let said = defaults.policy.said();
        if resolves(&said) || jails.iter().any(|jail| resolves(&jail.policy)) {
            let text = "`names: resolve` stands for usedns = yes or warn: names in logs are looked up, so whoever \
                        owns a name chooses whom it bans. `names: ignore` is safer";
            report.changed(None, text);
            comments.push(format!("{text}."));
        }
        let main = OurMain {
            from: self.dir().display().to_string(),
            ignore: ignore.collect(),
            ignore_names: ignore_names.iter().map(Name::to_string).collect(),
            enforce: lists.usual,
            notify: targets.written(),
            defaults: said,
            jails,
            comments,
        };
        let mut files = vec![("banner.yaml".to_owned(), main.text())];
        for spec in filters.specs {
            let comments = [format!(
                "Made from {} by banner import.",
                self.dir().display()
            )];
            let path = format!("filters.d/{}.yaml", spec.name);
            files.push((path, yaml::filter(&spec, &comments)));
        }
        Ok(Converted { files, report })
    }
}

/// A jail of ours, or none where it would have nothing to do.
fn ours(
    jail: &Jail,
    name: String,
    scopes: &[Scope],
    defaults: &Defaults,
    filters: &mut Filters,
    report: &mut Report,
    mut comments: Vec<String>,
) -> Option<OurJail> {
    if name != jail.name {
        report.changed(Some(&jail.name), format!("is called {name}"));
    }
    let counts_bans = counts_bans(jail);
    let logs = if counts_bans {
        Vec::new()
    } else {
        logs(jail, report, &mut comments)
    };
    if counts_bans {
        let text = "counts the bans of banner's other jails (`of: all`), in place of those in fail2ban's log";
        report.changed(Some(&jail.name), text);
        comments.push("Counts the bans of all other jails, and reads no log.".to_owned());
    } else if jail.filter.is_none() || jail.spec.fail.is_empty() || logs.is_empty() {
        let why = if jail.filter.is_none() {
            "it has no filter"
        } else if jail.spec.fail.is_empty() {
            "its filter has no failregex"
        } else {
            "it has no log files"
        };
        report.left_out(Some(&jail.name), format!("the jail as a whole: {why}"));
        return None;
    }
    left_out(jail, report, &mut comments);
    let policy = Policy::of(|option| {
        let odd = jail.no_number.clone().filter(|_| option == "maxretry");
        // A filter may say it, too.
        let names = jail.usedns.clone().filter(|_| option == NAMES);
        odd.or(names)
            .or_else(|| jail.option(option).map(str::to_owned))
            .or_else(|| own(option))
    });
    let usual = &defaults.policy;
    for text in policy
        .changed
        .iter()
        .filter(|text| !usual.changed.contains(text))
    {
        report.changed(Some(&jail.name), text);
    }
    for text in policy
        .left_out
        .iter()
        .filter(|text| !usual.left_out.contains(text))
    {
        report.left_out(Some(&jail.name), text);
        comments.push(format!("Left out: {text}."));
    }
    let mut policy = policy.beside(&defaults.policy);
    if scopes.is_empty() {
        let text = "bans nobody there, so it only observes";
        report.changed(Some(&jail.name), text);
        comments.push("None of its actions bans, so it only observes.".to_owned());
        policy.push(("mode", "observe".to_owned()));
    }
    let ports = ports(jail, scopes, report, &mut comments);
    let filter = if counts_bans {
        String::new()
    } else {
        filters.name_of(spec(jail, report), &name)
    };
    let refused = filters.refused(&filter);
    if let Some(why) = refused {
        let text = format!("not enabled, as its filter {filter} cannot be used: {why}");
        comments.push(format!("N{}.", &text[1..]));
        report.left_out(Some(&jail.name), text);
    }
    Some(OurJail {
        enabled: jail.enabled && refused.is_none(),
        of: counts_bans.then(|| "all".to_owned()),
        filter,
        logs: logs.iter().map(Log::written).collect(),
        ports,
        policy,
        ignore: ignore(jail, defaults, report, &mut comments),
        comments,
        name,
    })
}

/// fail2ban's jail for those whom other jails ban again and again reads its log for that.
fn counts_bans(jail: &Jail) -> bool {
    let filter = jail.filter.as_ref();
    filter.is_some_and(|filter| filter.name.rsplit('/').next() == Some("recidive"))
}

/// What becomes of names in logs.
const NAMES: &str = "usedns";

/// What a filter does where nobody says anything.
fn own(option: &str) -> Option<String> {
    (option == NAMES).then(|| "warn".to_owned())
}

/// What `[DEFAULT]` says, or fail2ban where it says nothing.
fn defaults(jails: &Jails, report: &mut Report) -> Defaults {
    let own = |option: &str| match option {
        "maxretry" => Some("5".to_owned()),
        "findtime" | "bantime" => Some("10m".to_owned()),
        _ => own(option),
    };
    let policy = Policy::of(|option| jails.default_of(option).or_else(|| own(option)));
    for text in &policy.changed {
        report.changed(None, text);
    }
    for text in &policy.left_out {
        report.left_out(None, text);
    }
    let mut ignore = Ignored::read(&jails.default_of("ignoreip").unwrap_or_default());
    for text in &ignore.left_out {
        report.left_out(None, text);
    }
    for file in &ignore.files {
        report.changed(
            None,
            format!("{file} in ignoreip is taken over as it is now"),
        );
    }
    // fail2ban ignores its own addresses unless it is told otherwise.
    let loopback = ["127.0.0.0/8", "::1/128"];
    ignore.nets.extend(
        loopback
            .iter()
            .filter_map(|net| net.parse::<ipnet::IpNet>().ok()),
    );
    Defaults { policy, ignore }
}

pub(super) fn our_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    let name: String = name
        .chars()
        .map(|c| if allowed(c) { c } else { '-' })
        .take(64)
        .collect();
    let name = name.replace("..", ".-").trim_start_matches('.').to_owned();
    if name.is_empty() {
        "jail".to_owned()
    } else {
        name
    }
}

/// `name-2`, `name-3`, …; as long as a name may be.
pub(super) fn numbered(name: &str) -> impl Iterator<Item = String> + use<> {
    let short: String = name.chars().take(50).collect();
    (2_u32..).map(move |number| format!("{short}-{number}"))
}

/// What banner has no key for.
fn left_out(jail: &Jail, report: &mut Report, comments: &mut Vec<String>) {
    let mut add = |text: String| {
        comments.push(format!("Left out: {text}."));
        report.left_out(Some(&jail.name), text);
    };
    let given = |option: &str| jail.option(option).filter(|value| !value.is_empty());
    if let Some(command) = given("ignorecommand") {
        add(format!(
            "ignorecommand = {command}: banner runs no commands"
        ));
    }
    if let Some(zone) = given("logtimezone") {
        add(format!(
            "logtimezone = {zone}: stamps are in the zone of this machine"
        ));
    }
    if jail.option("ignoreself") == Some("False") {
        add("ignoreself = false: banner never bans own addresses".to_owned());
    }
}

fn ports(
    jail: &Jail,
    scopes: &[Scope],
    report: &mut Report,
    comments: &mut Vec<String>,
) -> Option<Vec<String>> {
    let BanPorts { entries, left_out } = BanPorts::of(scopes);
    for text in &left_out {
        report.left_out(Some(&jail.name), text);
        comments.push(format!("Left out: {text}."));
    }
    if entries.is_none() && !left_out.is_empty() {
        report.changed(
            Some(&jail.name),
            "bans for every port, as none of its ports is known",
        );
    }
    entries
}

/// What the jail never bans beyond what holds for all.
fn ignore(
    jail: &Jail,
    defaults: &Defaults,
    report: &mut Report,
    comments: &mut Vec<String>,
) -> Vec<String> {
    let Some(list) = jail.option("ignoreip") else {
        return Vec::new();
    };
    let own = Ignored::read(list);
    for text in own
        .left_out
        .iter()
        .filter(|text| !defaults.ignore.left_out.contains(text))
    {
        report.left_out(Some(&jail.name), text);
        comments.push(format!("Left out: {text}."));
    }
    for name in own.names.difference(&defaults.ignore.names) {
        let text = format!("{name} in ignoreip is spared by all jails: `ignore_names`");
        report.changed(Some(&jail.name), &text);
        comments.push(format!("{text}."));
    }
    for file in own
        .files
        .iter()
        .filter(|file| !defaults.ignore.files.contains(file))
    {
        report.changed(
            Some(&jail.name),
            format!("{file} in ignoreip is taken over as it is now"),
        );
    }
    let loopback = |net: &ipnet::IpNet| net.addr().is_loopback();
    let more = defaults
        .ignore
        .nets
        .iter()
        .any(|net| !loopback(net) && !own.nets.contains(net));
    if more {
        let text = "also ignores what [DEFAULT] ignores; its own ignoreip was in place of that";
        report.changed(Some(&jail.name), text);
        comments.push("The list of ignored addresses above holds for this jail, too.".to_owned());
    }
    let nets = own.nets.difference(&defaults.ignore.nets);
    nets.copied().map(addresses::written).collect()
}
